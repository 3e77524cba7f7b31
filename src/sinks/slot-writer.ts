/** Takes full slots to their files: in the background as long as there is room, else at once. */
import { write } from 'node:fs';
import type { Arena } from '../packet/arena.js';
import type { Compression } from './compression.js';
import type { OpenFiles, OutputFile, Write } from './open-files.js';
import type { LongRuns } from './long-runs.js';
import { writeFully } from './output-file.js';
import type { Slots } from './slots.js';
import type { SlowDisk } from './slow-disk.js';

export interface SlotWriterOptions {
  readonly arena: Arena;
  readonly slots: Slots;
  readonly open: OpenFiles;
  readonly longRuns: LongRuns;
  readonly disk: SlowDisk;
  readonly compression: Compression | null;
  /**
   * Write at once what is not to be compressed, so that a file can be closed at any time: a write that
   * is under way cannot be waited for.
   */
  readonly atOnce: boolean;
  /**
   * Write full slots on this thread while the disk keeps up: the bytes are still in this processor's
   * cache, and a worker thread would have to fetch them from there. Else workers do it, beside the
   * reading of what comes next.
   */
  readonly writeHere: boolean;
}

/** While this thread writes too, others are given no more than keeps them busy: the rest waits. */
const mostWhileShared = 2;
/** Slots that are sent after this thread was last asked to write one, until others get them all again. */
const sharedFor = 64;

/**
 * A write holds whole records, and a file's writes follow one another: after a kill a file has no gap,
 * and ends with a whole record unless the kill hit a write, which the kernel may end at any page.
 */
export class SlotWriter {
  readonly #bytes: Uint8Array;
  readonly #slots: Slots;
  readonly #open: OpenFiles;
  readonly #longRuns: LongRuns;
  readonly #disk: SlowDisk;
  readonly #compression: Compression | null;
  readonly #atOnce: boolean;
  readonly #writeHere: boolean;
  #inFlight = 0;
  /** Writes that other threads have been given, and files whose first write they are still to be given. */
  #underWay = 0;
  readonly #waiting = new Set<OutputFile>();
  #sent = 0;
  #sharedUntil = 0;
  #settled: (() => void) | null = null;

  constructor(options: SlotWriterOptions) {
    const { arena, compression, atOnce, writeHere } = options;
    this.#writeHere = writeHere && compression === null;
    this.#bytes = arena.bytes;
    this.#slots = options.slots;
    this.#open = options.open;
    this.#longRuns = options.longRuns;
    this.#disk = options.disk;
    this.#compression = compression;
    this.#atOnce = atOnce && compression === null;
  }

  /** The rest can then always be taken back at once. */
  get #mostInFlight(): number {
    return this.#atOnce ? 0 : Math.floor(this.#slots.count / 2);
  }

  /** Sends the slot on its way; the file has none afterwards. Waits for the disk when it lags. */
  send(file: OutputFile): void {
    const { slot } = file;
    if (slot < 0) return;
    if (this.#inFlight >= this.#mostInFlight || !this.#open.ready(file)) {
      this.evict(file);
      return;
    }
    if (this.#writeHere && file.queue.length === 0) {
      const before = performance.now();
      if (!this.#disk.isSlow(before)) {
        this.evict(file);
        this.#disk.wrote(before);
        return;
      }
    }
    const { position, unwritten: from, next: to } = file;
    leaveSlot(file);
    if (from === to) {
      this.#slots.release(slot);
      return;
    }
    file.length += to - from;
    this.#slots.detach(slot);
    this.#inFlight++;
    const job: Write = { slot, from, to, position, encoded: null, overtaken: false };
    file.queue.push(job);
    if (this.#compression !== null) {
      void this.#compress(this.#compression, file, job);
      return;
    }
    file.busy = true;
    file.position += to - from;
    this.#sent++;
    if (file.queue.length > 1) return;
    this.#waiting.add(file);
    this.#startWaiting();
  }

  /**
   * For a thread that has nothing else to do: writes a slot that waits for other threads, at once. From now on
   * some do, for a while.
   * @returns false when none did
   */
  writeWaiting(): boolean {
    const before = performance.now();
    if (this.#disk.isSlow(before)) return false;
    this.#sharedUntil = this.#sent + sharedFor;
    for (const file of this.#waiting) {
      this.#waiting.delete(file);
      const [{ from, to, position }] = file.queue;
      try {
        writeFully(file.fd, this.#bytes, from, to, position);
      } catch (error) {
        this.#open.fail(file, position, error);
      }
      this.#next(file);
      this.#disk.wrote(before);
      return true;
    }
    return false;
  }

  /** Takes the slot away from the file, what is in it being written at once. */
  evict(file: OutputFile): void {
    this.flush(file);
    this.#slots.release(file.slot);
    leaveSlot(file);
  }

  /** Writes what is in the slot; the file keeps it. */
  flush(file: OutputFile): void {
    this.#longRuns.write(file);
    if (file.slot < 0 || file.unwritten === file.next) return;
    this.writeNow(file, this.#bytes, file.unwritten, file.next);
    file.unwritten = file.next;
  }

  /** Writes everything that is queued and in the slot; the file has none afterwards. */
  finish(file: OutputFile): void {
    this.#longRuns.write(file);
    if (file.slot >= 0) this.evict(file);
    if (file.queue.length > 0) this.writeNow(file, this.#bytes, 0, 0);
  }

  /** Writes everything that is queued, then these bytes. */
  writeNow(file: OutputFile, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#open.ready(file)) return;
    try {
      this.#catchUp(file);
      if (start === end) return;
      const { position } = file;
      if (this.#compression === null) {
        writeFully(file.fd, bytes, start, end, position);
        file.position += end - start;
      } else {
        this.#append(file, this.#compression.compressNow(bytes.subarray(start, end)));
      }
      file.length += end - start;
    } catch (error) {
      // Where it stopped is not known to the byte; every queued write begins with a record.
      const [first] = file.queue;
      this.#open.fail(
        file,
        this.#compression === null && first !== undefined ? first.position : file.position,
        error,
      );
    }
  }

  /** What a compressed file ends with. Everything else must be written. */
  end(file: OutputFile): void {
    const end = this.#compression?.end ?? null;
    if (end === null || end.length === 0 || !this.#open.ready(file)) return;
    try {
      this.#append(file, end);
    } catch (error) {
      this.#open.fail(file, file.position, error);
    }
  }

  /** Resolves when no slot is on its way any more. */
  async settled(): Promise<void> {
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
      });
    }
  }

  /** Writes the first of the queue, of which `done` bytes are written already, then the next. */
  #writeAsync(file: OutputFile, done: number): void {
    const [{ from, to, position }] = file.queue;
    const start = from + done;
    write(file.fd, this.#bytes, start, to - start, position + done, (error, written) => {
      if (error !== null) this.#open.fail(file, position, error);
      else if (start + written < to) {
        this.#writeAsync(file, done + written);
        return;
      }
      this.#underWay--;
      this.#next(file);
      this.#startWaiting();
    });
  }

  /** The first of the queue is done. */
  #next(file: OutputFile): void {
    const job = file.queue.shift();
    if (job !== undefined) this.#settle(job);
    if (file.queue.length > 0) this.#waiting.add(file);
    else file.busy = false;
  }

  #startWaiting(): void {
    const most = this.#sent < this.#sharedUntil ? mostWhileShared : Infinity;
    for (const file of this.#waiting) {
      if (this.#underWay >= most) return;
      this.#waiting.delete(file);
      this.#underWay++;
      this.#writeAsync(file, 0);
    }
  }

  async #compress(compression: Compression, file: OutputFile, job: Write): Promise<void> {
    try {
      job.encoded = await compression.compress(this.#bytes.subarray(job.from, job.to));
    } catch (error) {
      if (!job.overtaken) this.#open.fail(file, file.position, error);
      job.encoded = new Uint8Array(0);
    }
    // Those after it may be done already.
    if (!job.overtaken) this.#writeEncoded(file);
    this.#settle(job);
  }

  #writeEncoded(file: OutputFile): void {
    for (;;) {
      const encoded = file.queue[0]?.encoded ?? null;
      if (encoded === null) return;
      file.queue.shift();
      if (!this.#open.ready(file)) continue;
      try {
        this.#append(file, encoded);
      } catch (error) {
        this.#open.fail(file, file.position, error);
      }
    }
  }

  #append(file: OutputFile, bytes: Uint8Array): void {
    writeFully(file.fd, bytes, 0, bytes.length, file.position);
    file.position += bytes.length;
  }

  #settle(job: Write): void {
    this.#slots.release(job.slot);
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    this.#settled?.();
    this.#settled = null;
  }

  /**
   * Brings the disk up to what is queued, so that a write may follow at once. What is under way cannot
   * be waited for: the same bytes are written to the same place once more, or compressed once more.
   */
  #catchUp(file: OutputFile): void {
    if (this.#compression === null) {
      for (const { from, to, position } of file.queue) {
        writeFully(file.fd, this.#bytes, from, to, position);
      }
      const isUnderWay = !this.#waiting.delete(file);
      for (const job of file.queue.splice(isUnderWay ? 1 : 0)) this.#settle(job);
      file.busy = file.queue.length > 0;
      return;
    }
    for (;;) {
      const job = file.queue.shift();
      if (job === undefined) return;
      job.overtaken = true;
      this.#append(
        file,
        job.encoded ?? this.#compression.compressNow(this.#bytes.subarray(job.from, job.to)),
      );
    }
  }
}

function leaveSlot(file: OutputFile): void {
  file.slot = -1;
  file.unwritten = file.next = file.limit = 0;
}
