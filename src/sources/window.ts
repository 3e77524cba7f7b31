/** The part of an input that is in memory: a window of contiguous bytes that moves forward. */
import { startsSize } from '../formats/pcapng-packets.js';
import { maximumRecordSize } from '../packet/batch.js';
import type { Arena, Region } from '../packet/arena.js';
import { LbcapError } from '../errors.js';
import type { ByteInput } from './byte-input.js';
import { damagedAt } from './damage.js';

/**
 * In front of each region's data: what the chunk before has cut is moved there, and so no record or
 * block may be longer. A pcapng block may carry as much in options as the largest packet has.
 */
export const longestUnit = 2 * Math.ceil(maximumRecordSize / 4096) * 4096;
/** Handing a read to another thread costs up to 0.1 ms on a virtual machine: few and large ones. */
const chunk = 2 * 1024 * 1024;

/**
 * Sizes of the regions that a file source needs. Three for the window, because one is walked while two
 * are read into, and one may be read into again only after what it held has been moved; one for
 * packets that are rewritten; one for where packets begin.
 */
export const fileRegionSizes: readonly number[] = regionSizes(chunk);

/** The same for many inputs at once: smaller chunks. */
export const smallRegionSizes: readonly number[] = regionSizes(64 * 1024);

function regionSizes(data: number): number[] {
  return [longestUnit + data, longestUnit + data, longestUnit + data, longestUnit, startsSize];
}

export class Window {
  /** Arena offsets of what was read and not yet dropped. */
  start = 0;
  end = 0;
  /** Offset in the input of `start`. */
  offset = 0;
  readonly #input: ByteInput;
  readonly #arena: Arena;
  readonly #regions: readonly Region[];
  /** Reads under way, oldest first, and how many were ever asked for and taken. */
  readonly #reads: Promise<number>[] = [];
  #asked = 0;
  #taken = 0;
  #ended = false;
  #stopped = false;

  /** @param regions three of `fileRegionSizes` */
  constructor(input: ByteInput, arena: Arena, regions: readonly Region[]) {
    this.#input = input;
    this.#arena = arena;
    this.#regions = regions;
  }

  get length(): number {
    return this.end - this.start;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Drops what stands before an arena offset inside the window. */
  dropTo(at: number): void {
    this.offset += at - this.start;
    this.start = at;
  }

  /**
   * Moves on to the next chunk, with what is left of the window in front of it: at most `longestUnit`.
   * What pointed into the window is invalid afterwards. False at the end of the input, or once stopped.
   * @throws INPUT_IO; INPUT_DAMAGED where what is compressed is, with the offset
   */
  async more(): Promise<boolean> {
    if (this.#stopped || this.#ended) return false;
    this.#readAhead();
    const read = this.#reads.shift();
    if (read === undefined) return false;
    const filled = await read.catch((error: unknown) => this.#throwLocated(error));
    if (this.#wasStopped()) return false;
    const region = this.#regionOf(this.#taken++);
    // A file that grows meanwhile would otherwise show a gap behind a short read.
    if (filled === 0 || (this.#input.size !== null && filled < region.size - longestUnit)) {
      this.#ended = true;
    }
    if (filled === 0) return false;
    const data = region.start + longestUnit;
    const start = data - this.length;
    this.#arena.bytes.copyWithin(start, this.start, this.end);
    this.start = start;
    this.end = data + filled;
    if (!this.#ended) this.#readAhead();
    return true;
  }

  /** Ends a pending `more`, and every later one. */
  stop(): void {
    this.#stopped = true;
    // A stream may be silent for ever: the pending read ends when the stream is destroyed.
    if (this.#input.size === null) void this.#input.close();
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#reads);
    await this.#input.close();
  }

  #throwLocated(error: unknown): never {
    if (!(error instanceof LbcapError) || error.code !== 'INPUT_DAMAGED') throw error;
    throw damagedAt(this.#input.name, this.offset + this.length, error.message);
  }

  #wasStopped(): boolean {
    return this.#stopped;
  }

  #regionOf(read: number): Region {
    return this.#regions[read % 3];
  }

  /** The region being walked must stay as it is: one read fewer than there are regions. */
  #readAhead(): void {
    while (this.#asked - this.#taken < Math.min(this.#input.readAhead, 2)) {
      const region = this.#regionOf(this.#asked++);
      const start = region.start + longestUnit;
      const read = this.#input.read(this.#arena.bytes, start, region.size - longestUnit);
      // It is awaited later, or never after a stop: not an unhandled rejection in between.
      read.catch(() => undefined);
      this.#reads.push(read);
    }
  }
}
