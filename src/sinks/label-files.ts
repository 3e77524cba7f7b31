/** One capture file per label: gathers runs of records in slots and writes full slots. */
import { closeSync, fstatSync, lstatSync, mkdirSync, statSync, unlinkSync, write } from 'node:fs';
import { dirname, join } from 'node:path';
import { isSystemError, LbcapError } from '../errors.js';
import type { RunSink } from '../runs.js';
import type { Arena, Region } from '../packet/arena.js';
import {
  createFile,
  cutBack,
  isUnlinked,
  outputError,
  removeOld,
  reopenFile,
  writeFully,
} from './output-file.js';
import { Slots } from './slots.js';

/** Up to so many labels every one has a file from the start; beyond, from its first packet. */
const createdAtStart = 256;
/** Open files at a time; far below the usual limit of 1024 (getrlimit(2), RLIMIT_NOFILE). */
const openAtOnce = 512;

export interface LabelFilesOptions {
  readonly arena: Arena;
  readonly slots: readonly Region[];
  readonly directory: string;
  /** File names without extension, in the order of the classifier's outputs. */
  readonly names: readonly string[];
  /** Written at the start of every file. */
  readonly fileHeader: Uint8Array;
  readonly force: boolean;
}

export interface WrittenFile {
  readonly path: string;
  /** Size in bytes, file header included. */
  readonly size: number;
  /** False after a failed write: it then ends with its last whole record. */
  readonly complete: boolean;
}

/** A slot that is full: arena offsets, and where in the file its bytes go. */
interface Write {
  readonly slot: number;
  readonly from: number;
  readonly to: number;
  readonly position: number;
}

/** One output's file. */
class OutputFile {
  fd = -1;
  inode = 0;
  /** Where the next write goes. */
  position = 0;
  /** Slots on their way, in order; only the first is being written. */
  readonly queue: Write[] = [];
  slot = -1;
  /** Arena offsets: where the slot's unwritten bytes begin, where the next goes, where it ends. */
  unwritten = 0;
  next = 0;
  limit = 0;
  /** Something came since the clock's hand last passed (`Slots.victim`). */
  used = false;
  failedAt = Infinity;
  constructor(readonly path: string) {}
}

/**
 * A write holds whole records, and a file's writes follow one another: after a kill a file has no gap,
 * and ends with a whole record unless the kill hit a write, which the kernel may end at any page.
 */
export class LabelFiles implements RunSink {
  readonly #bytes: Uint8Array;
  readonly #slots: Slots;
  readonly #files: OutputFile[];
  readonly #fileHeader: Uint8Array;
  readonly #force: boolean;
  /** Open files, the least recently written first. */
  readonly #open = new Set<OutputFile>();
  readonly #mostInFlight: number;
  #inFlight = 0;
  #settled: (() => void) | null = null;
  #error: LbcapError | null = null;

  /**
   * Creates the directory, and the files where there are few enough labels.
   * @throws OUTPUT_EXISTS, OUTPUT_IO: then nothing that it made is left behind
   */
  constructor(options: LabelFilesOptions) {
    this.#bytes = options.arena.bytes;
    this.#slots = new Slots(options.slots);
    // The rest can then always be taken back at once.
    this.#mostInFlight = Math.floor(this.#slots.count / 2);
    this.#fileHeader = options.fileHeader;
    this.#force = options.force;
    this.#files = options.names.map(
      (name) => new OutputFile(join(options.directory, `${name}.pcap`)),
    );
    makeDirectory(options.directory);
    if (!this.#force) refuseExisting(this.#files);
    else if (this.#files.length > createdAtStart) removeExisting(this.#files);
    if (this.#files.length <= createdAtStart) this.#createAll();
  }

  /** What went wrong first. Once set, nothing more should be appended. */
  get error(): LbcapError | null {
    return this.#error;
  }

  append(output: number, start: number, end: number): void {
    const file = this.#files[output];
    const next = file.next + (end - start);
    if (next > file.limit) {
      this.#appendElsewhere(output, file, start, end);
      return;
    }
    this.#bytes.copyWithin(file.next, start, end);
    file.next = next;
    file.used = true;
  }

  /** The slot is full, or there is none, or the records are longer than any. */
  #appendElsewhere(output: number, file: OutputFile, start: number, end: number): void {
    if (file.failedAt !== Infinity) return;
    this.#writeSlot(file);
    if (end - start > this.#slots.size) {
      this.#writeNow(file, start, end);
      return;
    }
    file.slot = this.#takeSlot(output);
    file.unwritten = file.next = this.#slots.start(file.slot);
    file.limit = file.next + this.#slots.size;
    this.#bytes.copyWithin(file.next, start, end);
    file.next += end - start;
    file.used = true;
  }

  /**
   * Writes what waits in the slots, so that a kill loses no more than came since, and looks whether
   * the files are still there.
   */
  flush(): void {
    for (const file of this.#files) this.#flushSlot(file);
    for (const file of this.#open) {
      if (file.failedAt === Infinity) this.#checkStillThere(file);
    }
  }

  #checkStillThere(file: OutputFile): void {
    let gone: boolean;
    try {
      gone = isUnlinked(file.fd);
    } catch (error) {
      // ESTALE of a network file system, for one.
      this.#fail(file, file.position, outputError(file.path, error));
      return;
    }
    if (!gone) return;
    const problem = `${file.path} was removed while lbcap was writing to it`;
    const remedy = 'leave the files alone until lbcap has ended';
    this.#fail(file, file.position, new LbcapError('OUTPUT_IO', problem, remedy));
  }

  /** Writes everything, closes everything. Never rejects: see `error`. */
  async close(): Promise<WrittenFile[]> {
    this.flush();
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
      });
    }
    for (const file of this.#open) this.#closeFile(file);
    this.#open.clear();
    return this.#files
      .filter((file) => file.inode !== 0)
      .map((file) => ({
        path: file.path,
        size: Math.min(file.position, file.failedAt),
        complete: file.failedAt === Infinity,
      }));
  }

  #file(output: number): OutputFile {
    return this.#files[output];
  }

  #createAll(): void {
    try {
      for (const file of this.#files) this.#writeHeader(file);
    } catch (error) {
      for (const file of this.#files) {
        if (file.inode === 0) continue;
        if (file.fd >= 0) closeSync(file.fd);
        unlinkSync(file.path);
      }
      throw error;
    }
  }

  /** @throws OUTPUT_EXISTS, OUTPUT_IO */
  #writeHeader(file: OutputFile): void {
    this.#makeRoomForOpen();
    file.fd = createFile(file.path, this.#force);
    this.#open.add(file);
    file.inode = fstatSync(file.fd).ino;
    try {
      writeFully(file.fd, this.#fileHeader, 0, this.#fileHeader.length, 0);
    } catch (error) {
      // A part of a header is no capture file.
      this.#open.delete(file);
      closeSync(file.fd);
      unlinkSync(file.path);
      file.fd = -1;
      file.inode = 0;
      throw outputError(file.path, error);
    }
    file.position = this.#fileHeader.length;
  }

  #takeSlot(output: number): number {
    let slot = this.#slots.take(output);
    if (slot < 0) {
      this.#evict(this.#file(this.#slots.victim((owner) => this.#secondChance(owner))));
      slot = this.#slots.take(output);
    }
    return slot;
  }

  #secondChance(output: number): boolean {
    const file = this.#file(output);
    const { used } = file;
    file.used = false;
    return used;
  }

  #evict(file: OutputFile): void {
    this.#flushSlot(file);
    this.#slots.release(file.slot);
    this.#leaveSlot(file);
  }

  #leaveSlot(file: OutputFile): void {
    file.slot = -1;
    file.unwritten = file.next = file.limit = 0;
  }

  /** Sends a slot on its way; the file has none afterwards. Waits for the disk when it lags. */
  #writeSlot(file: OutputFile): void {
    const { slot } = file;
    if (slot < 0) return;
    if (this.#inFlight >= this.#mostInFlight || !this.#ready(file)) {
      this.#evict(file);
      return;
    }
    const { position, unwritten: from, next: to } = file;
    file.position += to - from;
    this.#leaveSlot(file);
    this.#slots.detach(slot);
    this.#inFlight++;
    file.queue.push({ slot, from, to, position });
    if (file.queue.length === 1) this.#writeAsync(file, 0);
  }

  /** Writes the first of the queue, of which `done` bytes are written already, then the next. */
  #writeAsync(file: OutputFile, done: number): void {
    const [{ from, to, position }] = file.queue;
    const start = from + done;
    write(file.fd, this.#bytes, start, to - start, position + done, (error, written) => {
      if (error !== null) this.#fail(file, position, outputError(file.path, error));
      else if (start + written < to) {
        this.#writeAsync(file, done + written);
        return;
      }
      this.#settle(file.queue.shift());
      if (file.queue.length > 0) this.#writeAsync(file, 0);
    });
  }

  #settle(write: Write | undefined): void {
    if (write === undefined) return;
    this.#slots.release(write.slot);
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    this.#settled?.();
    this.#settled = null;
  }

  /**
   * Brings the disk up to what is queued, so that a write may follow at once. The first of the queue is
   * under way and cannot be waited for: the same bytes are written to the same place once more.
   */
  #catchUp(file: OutputFile): void {
    for (const { from, to, position } of file.queue) {
      writeFully(file.fd, this.#bytes, from, to, position);
    }
    for (const write of file.queue.splice(1)) this.#settle(write);
  }

  #flushSlot(file: OutputFile): void {
    if (file.slot < 0 || file.unwritten === file.next) return;
    this.#writeNow(file, file.unwritten, file.next);
    file.unwritten = file.next;
  }

  #writeNow(file: OutputFile, start: number, end: number): void {
    if (!this.#ready(file)) return;
    const { position } = file;
    try {
      this.#catchUp(file);
      writeFully(file.fd, this.#bytes, start, end, position);
      file.position += end - start;
    } catch (error) {
      // Where it stopped is not known to the byte; every queued write begins with a record.
      this.#fail(file, file.queue[0]?.position ?? position, outputError(file.path, error));
    }
  }

  /** Opens the file where it is not open. False when that or an earlier write failed. */
  #ready(file: OutputFile): boolean {
    if (file.failedAt !== Infinity) return false;
    try {
      if (file.inode === 0) this.#writeHeader(file);
      else if (file.fd < 0) {
        this.#makeRoomForOpen();
        file.fd = reopenFile(file.path, file.inode);
        this.#open.add(file);
      } else if (this.#open.size > openAtOnce / 2) {
        // Only when it could matter: keep the set in the order of use.
        this.#open.delete(file);
        this.#open.add(file);
      }
      return true;
    } catch (error) {
      this.#fail(
        file,
        file.position,
        error instanceof LbcapError ? error : outputError(file.path, error),
      );
      return false;
    }
  }

  #makeRoomForOpen(): void {
    if (this.#open.size < openAtOnce) return;
    for (const file of this.#open) {
      if (file.queue.length > 0) continue;
      this.#open.delete(file);
      this.#closeFile(file);
      return;
    }
  }

  /** close(2) may be the first to tell of an error, on network file systems above all. */
  #closeFile(file: OutputFile): void {
    const { fd } = file;
    file.fd = -1;
    if (file.failedAt !== Infinity) cutBack(fd, file.failedAt);
    try {
      closeSync(fd);
    } catch (error) {
      this.#fail(file, file.position, outputError(file.path, error));
    }
  }

  #fail(file: OutputFile, position: number, error: LbcapError): void {
    // What a partial write left behind `position` is cut off when the file is closed.
    file.failedAt = Math.min(file.failedAt, position);
    this.#error ??= error;
  }
}

function makeDirectory(directory: string): void {
  try {
    makeWithParents(directory);
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat === undefined) {
      throw new LbcapError('OUTPUT_IO', `${directory} is a link to nowhere`, 'give another --out');
    }
    if (stat.isDirectory()) return;
  } catch (error) {
    throw error instanceof LbcapError ? error : outputError(directory, error);
  }
  throw new LbcapError('OUTPUT_IO', `${directory} is not a directory`, 'give another --out');
}

/**
 * Not mkdir's `recursive`: below /proc, where every mkdir answers ENOENT, Node 20 tries for ever.
 */
function makeWithParents(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return;
    const parent = dirname(directory);
    if (!isSystemError(error, 'ENOENT') || parent === directory) throw error;
    makeWithParents(parent);
    mkdirSync(directory);
  }
}

/** All are looked at before one is made. */
function refuseExisting(files: readonly OutputFile[]): void {
  const existing = files.filter((file) => isThere(file.path));
  const [first] = existing;
  if (first === undefined) return;
  const more = existing.length > 1 ? ` and ${existing.length - 1} more like it` : '';
  throw new LbcapError(
    'OUTPUT_EXISTS',
    `${first.path}${more} exists`,
    'give another --out, or --force to overwrite',
  );
}

/** What an earlier run left must not look like this one's. */
function removeExisting(files: readonly OutputFile[]): void {
  for (const { path } of files) {
    try {
      removeOld(path);
    } catch (error) {
      throw error instanceof LbcapError ? error : outputError(path, error);
    }
  }
}

/** A symlink is there even when its target is not. */
function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false;
    throw outputError(path, error);
  }
}
