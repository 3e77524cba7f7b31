/** Runs of long packets: written from where they lie, where copying them into slots would take longer. */
import type { Arena } from '../packet/arena.js';
import { listing } from '../packet/cursors.js';
import type { OpenFiles, OutputFile } from './open-files.js';
import { writeTogether } from './output-file.js';
import type { Slots } from './slots.js';
import type { SlowDisk } from './slow-disk.js';

/** Bytes that a run has at least, to be worth a part of a writev(2), and its packets in the mean. */
const longRun = 8 * 1024;
const longPacket = 1024;
/** Two for each: IOV_MAX (writev(2)) is 1024, and the slot's bytes come first. */
const mostRanges = 2 * 1023;

/** `assembly/append-runs.ts` asks the same. */
export function isLong(size: number, packets: number): boolean {
  return size >= longRun && size >= packets * longPacket;
}

export interface LongRunsOptions {
  readonly arena: Arena;
  readonly slots: Slots;
  readonly open: OpenFiles;
  readonly disk: SlowDisk;
}

/**
 * A file's runs wait until their batch is over. Whatever follows one has to wait as well: meanwhile the file's
 * slot has no room, and its limit says so (`listing`).
 */
export class LongRuns {
  readonly #bytes: Uint8Array;
  readonly #slots: Slots;
  readonly #open: OpenFiles;
  readonly #disk: SlowDisk;
  /** Files that have any. */
  readonly #waiting = new Set<OutputFile>();

  constructor({ arena, slots, open, disk }: LongRunsOptions) {
    this.#bytes = arena.bytes;
    this.#slots = slots;
    this.#open = open;
    this.#disk = disk;
  }

  /**
   * @param start of bytes that lie still until `writeAll`
   * @returns false when they are to be copied: the disk is slow, or slots before them are still on their way
   */
  put(file: OutputFile, start: number, end: number): boolean {
    const { ranges } = file;
    if (ranges.length === 0) {
      if (file.queue.length > 0 || this.#disk.isSlow(performance.now())) return false;
      this.#waiting.add(file);
      file.limit = listing;
    }
    ranges.push(start, end);
    if (ranges.length === mostRanges) this.write(file);
    return true;
  }

  /** When a batch is over. */
  writeAll(): void {
    for (const file of this.#waiting) this.write(file);
  }

  /** What is in the file's slot, and its runs. */
  write(file: OutputFile): void {
    const { slot, ranges, unwritten, next } = file;
    if (ranges.length === 0) return;
    const parts = next > unwritten ? [this.#bytes.subarray(unwritten, next)] : [];
    for (let i = 0; i < ranges.length; i += 2) {
      parts.push(this.#bytes.subarray(ranges[i], ranges[i + 1]));
    }
    ranges.length = 0;
    this.#waiting.delete(file);
    if (slot >= 0) file.next = file.unwritten = this.#slots.start(slot);
    this.unlist(file);
    if (!this.#open.ready(file)) return;
    const { position } = file;
    const before = performance.now();
    try {
      const size = writeTogether(file.fd, parts, position);
      file.position += size;
      file.length += size;
    } catch (error) {
      this.#open.fail(file, position, error);
    }
    this.#disk.wrote(before);
  }

  /** No runs of the file wait: its slot has room again. */
  unlist(file: OutputFile): void {
    if (file.limit === listing) file.limit = file.slot < 0 ? 0 : this.#slots.end(file.slot);
  }
}
