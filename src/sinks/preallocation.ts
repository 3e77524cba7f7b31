/** Gives long files blocks before they need them, where writing takes less time then. */
import { statfsSync } from 'node:fs';
import { loadPreallocate, type Preallocate } from '../native/preallocate.js';
import type { OutputFile } from './open-files.js';
import { cutBack } from './output-file.js';
import type { SlowDisk } from './slow-disk.js';

/**
 * EXT4_SUPER_MAGIC (<linux/magic.h>). For every 4 KiB that are written where there is no block yet, ext4 notes that
 * one is to be found later: a third of what a large write costs. Other file systems have not been measured, and
 * what btrfs allocates so is never compressed.
 */
const ext4 = 0xef53;
/** A file that is as long is taken to go on. Bytes. */
const long = 4 * 1024 * 1024;
/** At a time a file gets as much as it has, and no more than this: a killed lbcap leaves it behind. */
const most = 16 * 1024 * 1024;
/** Asked for before so much of it is left. */
const reserve = 1024 * 1024;
/** Where less is free, bytes, nothing is allocated: some other file may need it first. */
const leastFree = 1024 * 1024 * 1024;

/** What it asks the system. */
export interface PreallocationSystem {
  readonly statfs: typeof fileSystem;
  readonly load: typeof loadPreallocate;
}

export class Preallocation {
  readonly #directory: string;
  readonly #slow: SlowDisk;
  readonly #system: PreallocationSystem;
  /** Loaded when the first file is long. */
  #loading = false;
  #preallocate: Preallocate | null = null;

  constructor(
    directory: string,
    slow: SlowDisk,
    system: PreallocationSystem = { statfs: fileSystem, load: loadPreallocate },
  ) {
    this.#directory = directory;
    this.#slow = slow;
    this.#system = system;
  }

  /** To be called of an open file before it is written to, at `file.position`. */
  ahead(file: OutputFile): void {
    const { position, allocated } = file;
    if (position < long || position + reserve <= allocated) return;
    if (!this.#loading) void this.#load();
    const before = performance.now();
    if (this.#preallocate === null || this.#slow.isSlow(before)) return;
    const from = Math.max(position, allocated);
    const length = Math.min(position, most);
    if (this.#hasRoom() && this.#preallocate(file.fd, from, length)) file.allocated = from + length;
    else this.#preallocate = null;
    this.#slow.wrote(before);
  }

  /** Gives back what a file has too much, which is open, and all of which is written. */
  shrink(file: OutputFile): void {
    if (file.allocated > file.position) cutBack(file.fd, file.position);
    file.allocated = 0;
  }

  async #load(): Promise<void> {
    this.#loading = true;
    if (this.#hasRoom()) this.#preallocate = await this.#system.load();
  }

  #hasRoom(): boolean {
    const is = this.#system.statfs(this.#directory);
    return is?.type === ext4 && is.bavail * is.bsize >= leastFree;
  }
}

/** `null` where it cannot be told, as of a directory that is gone. */
function fileSystem(path: string): { type: number; bavail: number; bsize: number } | null {
  try {
    return statfsSync(path);
  } catch {
    return null;
  }
}
