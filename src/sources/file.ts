/** A classic pcap file or stream as a source of batches. */
import { LbcapError } from '../errors.js';
import { fileHeaderLayout, readFileHeader } from '../formats/pcap.js';
import type { Arena, Region } from '../packet/arena.js';
import {
  endOfWholeRecords,
  maximumCapturedLength,
  maximumRecordSize,
  recordLayout,
  type Batch,
  type BatchFormat,
} from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import type { ByteInput } from './byte-input.js';
import type { Source } from './source.js';

/** In front of each region's data: the record that the chunk before cut is moved there. */
const room = Math.ceil(maximumRecordSize / 4096) * 4096;
const chunk = 1024 * 1024;

/**
 * Sizes of the regions that `openPcap` needs. Three, because one is walked while two are read
 * into, and one may be read into again only after the tail that it holds has been moved.
 */
export const fileRegionSizes: readonly number[] = [room + chunk, room + chunk, room + chunk];

/**
 * Reads the file header.
 * @throws INPUT_IO, INPUT_FORMAT, INPUT_DAMAGED
 */
export async function openPcap(
  input: ByteInput,
  arena: Arena,
  regions: readonly Region[],
): Promise<Source> {
  const header = new Uint8Array(fileHeaderLayout.size);
  let length = 0;
  while (length < header.length) {
    const read = await input.read(header, length, header.length - length);
    if (read === 0) break;
    length += read;
  }
  try {
    const { format, snaplen } = readFileHeader(header.subarray(0, length), input.name);
    return new PcapSource(input, arena, regions, header, format, snaplen);
  } catch (error) {
    await input.close();
    throw error;
  }
}

class PcapSource implements Source {
  readonly name: string;
  readonly size: number | null;
  readonly format: BatchFormat;
  readonly snaplen: number;
  readonly fileHeader: Uint8Array;
  readonly #input: ByteInput;
  readonly #arena: Arena;
  readonly #regions: readonly Region[];
  /** Reads under way, oldest first, and how many were ever asked for and taken. */
  readonly #reads: Promise<number>[] = [];
  #asked = 0;
  #taken = 0;
  /** The part of the chunk before that is not walked: a cut record. */
  #tailStart = 0;
  #tailEnd = 0;
  /** Offset in the file of `#tailStart`. */
  #offset: number;
  #damage: LbcapError | null = null;
  #stopped = false;
  #ended = false;

  constructor(
    input: ByteInput,
    arena: Arena,
    regions: readonly Region[],
    fileHeader: Uint8Array,
    format: BatchFormat,
    snaplen: number,
  ) {
    this.name = input.name;
    this.size = input.size;
    this.#input = input;
    this.#arena = arena;
    this.#regions = regions;
    this.fileHeader = fileHeader;
    this.format = format;
    this.snaplen = snaplen;
    this.#offset = fileHeader.length;
  }

  get position(): number {
    return this.#offset;
  }

  async next(): Promise<Batch | null> {
    for (;;) {
      const batch = await this.nextUnchecked();
      if (batch === null) return null;
      const { start, end } = batch;
      const whole = endOfWholeRecords(this.#arena.view, start, end, this.format.bigEndian);
      this.walked(whole);
      if (whole > start) return { format: this.format, start, end: whole };
    }
  }

  async nextUnchecked(): Promise<Batch | null> {
    if (this.#stopped) return null;
    if (this.#damage !== null) throw this.#damage;
    this.#readAhead();
    const read = this.#reads.shift();
    if (read === undefined) return null;
    const filled = await read;
    const region = this.#regionOf(this.#taken++);
    const length = this.#ended ? 0 : filled;
    // A file that grows meanwhile would otherwise show a gap behind a short read.
    if (this.#input.size !== null && filled < region.size - room) this.#ended = true;
    const data = region.start + room;
    const tail = this.#tailEnd - this.#tailStart;
    const start = data - tail;
    this.#arena.bytes.copyWithin(start, this.#tailStart, this.#tailEnd);
    this.#tailStart = this.#tailEnd = 0;
    if (!this.#ended) this.#readAhead();
    if (length === 0) {
      if (tail > 0) throw this.#cut(start, tail);
      return null;
    }
    this.#tailStart = start;
    this.#tailEnd = data + length;
    return { format: this.format, start, end: this.#tailEnd, unchecked: true };
  }

  walked(at: number): void {
    this.#offset += at - this.#tailStart;
    this.#tailStart = at;
    this.#damage = this.#lyingLength(at, this.#tailEnd);
  }

  stop(): void {
    this.#stopped = true;
    // A stream may be silent for ever: the pending read ends when the stream is destroyed.
    if (this.#input.size === null) void this.#input.close();
  }

  counters(): SourceCounters {
    return nothingKnown;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#reads);
    await this.#input.close();
  }

  #regionOf(read: number): Region {
    return this.#regions[read % this.#regions.length];
  }

  /** The region being walked must stay as it is: one read fewer than there are regions. */
  #readAhead(): void {
    const most = Math.min(this.#input.readAhead, this.#regions.length - 1);
    while (this.#asked - this.#taken < most) {
      const region = this.#regionOf(this.#asked++);
      const read = this.#input.read(this.#arena.bytes, region.start + room, region.size - room);
      // It is awaited later, or never after a stop: not an unhandled rejection in between.
      read.catch(() => undefined);
      this.#reads.push(read);
    }
  }

  #lyingLength(at: number, end: number): LbcapError | null {
    if (at + recordLayout.size > end) return null;
    const captured = this.#arena.view.getUint32(
      at + recordLayout.capturedLength,
      !this.format.bigEndian,
    );
    if (captured <= maximumCapturedLength) return null;
    return this.#damaged(
      `the record header there claims ${captured} captured bytes, and ${maximumCapturedLength} is the most there can be`,
    );
  }

  #cut(at: number, available: number): LbcapError {
    if (available < recordLayout.size) {
      return this.#damaged(
        `cut inside a record header, ${recordLayout.size} bytes were needed and ${available} are there`,
      );
    }
    const needed =
      recordLayout.size +
      this.#arena.view.getUint32(at + recordLayout.capturedLength, !this.format.bigEndian);
    return this.#damaged(
      `cut inside a packet, the record needs ${needed} bytes and ${available} are there`,
    );
  }

  #damaged(what: string): LbcapError {
    return new LbcapError(
      'INPUT_DAMAGED',
      `${this.name} is damaged at byte ${this.#offset}`,
      `${what}; every packet before it was read`,
      { details: { offset: this.#offset } },
    );
  }
}
