/** The files of a sink that are open: far fewer than there may be labels. */
import { closeSync, fstatSync, lstatSync, unlinkSync } from 'node:fs';
import { Cursors } from '../packet/cursors.js';
import { isSystemError, LbcapError } from '../errors.js';
import {
  createFile,
  cutBack,
  isUnlinked,
  outputError,
  reopenFile,
  writeFully,
} from './output-file.js';
import type { Compression } from './compression.js';
import type { Preallocation } from './preallocation.js';

/** Open files at a time; far below the usual limit of 1024 (getrlimit(2), RLIMIT_NOFILE). */
const openAtOnce = 512;

/** A slot on its way: arena offsets, and where in the file its bytes go. */
export interface Write {
  readonly slot: number;
  readonly from: number;
  readonly to: number;
  /** Not known of bytes that are being compressed: they go where the ones before them end. */
  readonly position: number;
  /** What is to be written, once it is compressed. */
  encoded: Uint8Array | null;
  /** Its bytes are on disk already: `SlotWriter` could not wait for it. */
  overtaken: boolean;
}

/** One file of an output. */
export class OutputFile {
  fd = -1;
  inode = 0;
  /** What the file begins with, until it is written. */
  head: Uint8Array | null = null;
  headSize = 0;
  /** Where the next write goes. */
  position = 0;
  /** Bytes handed over so far, before compression. */
  length = 0;
  /** Slots on their way, in order. */
  readonly queue: Write[] = [];
  /** What is written from where it lies: for each where in the slot it comes, where it begins and ends (arena offsets). */
  readonly ranges: number[] = [];
  slot = -1;
  /** Arena offset: where the slot's unwritten bytes begin. */
  unwritten = 0;
  /** Offset in the file, up to which it was given blocks (`Preallocation`); 0: it was not. */
  allocated = 0;
  failedAt = Infinity;
  readonly #cursors: Cursors;
  readonly #at: number;

  /**
   * @param id of the sink's place for it: the output, for each link type anew
   * @param cursors by id; a file beyond their end has one of its own
   */
  constructor(
    readonly id: number,
    readonly output: number,
    readonly path: string,
    cursors: Cursors,
  ) {
    const isAmong = id >= 0 && id < cursors.length;
    this.#cursors = isAmong ? cursors : new Cursors(1);
    this.#at = isAmong ? id : 0;
    this.packets = this.next = this.limit = 0;
  }

  /** Packets that it has, those in the slot among them. */
  get packets(): number {
    return this.#cursors.packets[this.#at];
  }

  set packets(value: number) {
    this.#cursors.packets[this.#at] = value;
  }

  /** Arena offsets: where the slot's next byte goes, and where the slot ends. */
  get next(): number {
    return this.#cursors.next[this.#at];
  }

  set next(value: number) {
    this.#cursors.next[this.#at] = value;
  }

  get limit(): number {
    return this.#cursors.limit[this.#at];
  }

  set limit(value: number) {
    this.#cursors.limit[this.#at] = value;
  }

  /** Something came since the clock's hand last passed (`Slots.victim`). */
  get used(): boolean {
    return this.#cursors.used[this.#at] !== 0;
  }

  set used(value: boolean) {
    this.#cursors.used[this.#at] = Number(value);
  }

  /** Slots are on their way: what comes goes behind them. */
  set busy(value: boolean) {
    this.#cursors.busy[this.#at] = Number(value);
  }

  get failed(): boolean {
    return this.failedAt !== Infinity;
  }
}

export class OpenFiles {
  readonly #force: boolean;
  readonly #compression: Compression | null;
  readonly #preallocation: Preallocation;
  /** The least recently written first. */
  readonly #open = new Set<OutputFile>();
  #error: LbcapError | null = null;

  constructor(force: boolean, compression: Compression | null, preallocation: Preallocation) {
    this.#force = force;
    this.#compression = compression;
    this.#preallocation = preallocation;
  }

  get error(): LbcapError | null {
    return this.#error;
  }

  /** Makes the file, with its head where that is known. @throws OUTPUT_EXISTS, OUTPUT_IO */
  create(file: OutputFile): void {
    this.#makeRoom();
    file.fd = createFile(file.path, this.#force);
    this.#open.add(file);
    file.inode = fstatSync(file.fd).ino;
    this.writeHead(file);
  }

  /** @throws OUTPUT_IO: then the file is gone, since a part of a head is no capture file */
  writeHead(file: OutputFile): void {
    const { head } = file;
    if (head === null) return;
    const compression = this.#compression;
    const bytes =
      compression === null
        ? head
        : Buffer.concat([compression.begin, compression.compressNow(head)]);
    try {
      writeFully(file.fd, bytes, 0, bytes.length, 0);
    } catch (error) {
      this.discard(file);
      throw outputError(file.path, error);
    }
    file.head = null;
    file.headSize = file.position = bytes.length;
    file.length = head.length;
  }

  /** Opens the file where it is not open. False when that or an earlier write failed. */
  ready(file: OutputFile): boolean {
    if (file.failed) return false;
    try {
      if (file.inode === 0) this.create(file);
      else if (file.fd < 0) {
        this.#makeRoom();
        file.fd = reopenFile(file.path, file.inode);
        this.#open.add(file);
      } else if (this.#open.size > openAtOnce / 2) {
        // Only when it could matter: keep the set in the order of use.
        this.#open.delete(file);
        this.#open.add(file);
      }
      this.#preallocation.ahead(file);
      return true;
    } catch (error) {
      this.fail(file, file.position, error);
      return false;
    }
  }

  /** Looks whether the open files are still there. */
  check(): void {
    for (const file of this.#open) if (!file.failed) this.#checkStillThere(file);
  }

  #checkStillThere(file: OutputFile): void {
    let gone: boolean;
    try {
      gone = isUnlinked(file.fd);
    } catch (error) {
      // ESTALE of a network file system, for one.
      this.fail(file, file.position, error);
      return;
    }
    if (!gone) return;
    const problem = `${file.path} was removed while lbcap was writing to it`;
    const remedy = 'leave the files alone until lbcap has ended';
    this.fail(file, file.position, new LbcapError('OUTPUT_IO', problem, remedy));
  }

  /** close(2) may be the first to tell of an error, on network file systems above all. */
  close(file: OutputFile): void {
    if (!this.#open.delete(file)) return;
    const { fd } = file;
    if (file.failed) cutBack(fd, file.failedAt);
    else this.#preallocation.shrink(file);
    file.fd = -1;
    try {
      closeSync(fd);
    } catch (error) {
      this.fail(file, file.position, error);
    }
  }

  closeAll(): void {
    for (const file of [...this.#open]) this.close(file);
  }

  /** Closes the file, if it is open, and removes it, if it is still what stands there. */
  discard(file: OutputFile): void {
    if (file.inode === 0) return;
    this.close(file);
    removeOwn(file.path, file.inode);
    file.inode = 0;
  }

  fail(file: OutputFile, position: number, error: unknown): void {
    // What a partial write left behind `position` is cut off when the file is closed.
    file.failedAt = Math.min(file.failedAt, position);
    this.#error ??= error instanceof LbcapError ? error : outputError(file.path, error);
  }

  #makeRoom(): void {
    if (this.#open.size < openAtOnce) return;
    for (const file of this.#open) {
      if (file.queue.length > 0) continue;
      this.close(file);
      return;
    }
  }
}

/** Removes a file that lbcap made; what has taken its place is left alone. @throws system errors */
export function removeOwn(path: string, inode: number): void {
  try {
    if (lstatSync(path).ino === inode) unlinkSync(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  }
}
