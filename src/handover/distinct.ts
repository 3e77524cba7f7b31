/** Drops what several captures have of one and the same packet: one between two labels is in both files. */
import type { Arena } from '../packet/arena.js';
import { recordLayout, type Batch, type BatchFormat } from '../packet/batch.js';
import type { SourceCounters } from '../packet/counters.js';
import type { Source } from '../sources/source.js';
import { Sightings } from './sightings.js';
import { SightingsWindow } from './sightings-window.js';

/**
 * Packets of a merged source, each as often as the capture has it that has it most often. Two packets
 * are one when time (in microseconds, for a file may have no finer), lengths, link type and captured
 * bytes agree and different captures have them: a capture that has a packet twice has two packets.
 */
export class DistinctSource implements Source {
  readonly name: string;
  readonly format: BatchFormat;
  readonly snaplen: number;
  readonly size: number | null;
  /** How many were dropped. */
  repeated = 0;
  readonly #source: Source;
  readonly #arena: Arena;
  readonly #laneOf: (record: number) => number;
  #starts = new Int32Array(0);
  /** Of the microsecond in hand. */
  readonly #seen = new Sightings();
  /** Of more moments, where a capture's times step back and a moment comes twice. */
  readonly #window: SightingsWindow | null;
  #seconds = -1;
  #micro = -1;

  /**
   * @param source whose batches have an index, in order of time
   * @param laneOf which of the captures a record's offset in the arena is of
   * @param stepBack most microseconds by which a capture's packet is earlier than one before it
   */
  constructor(source: Source, arena: Arena, laneOf: (record: number) => number, stepBack: number) {
    this.#source = source;
    this.#arena = arena;
    this.#laneOf = laneOf;
    this.#window = stepBack > 0 ? new SightingsWindow(stepBack) : null;
    ({ name: this.name, format: this.format, snaplen: this.snaplen, size: this.size } = source);
  }

  /** More came between the two of a packet than can be remembered: some may have passed twice. */
  get isUnsure(): boolean {
    return this.#window?.isLeaky ?? false;
  }

  get position(): number {
    return this.#source.position;
  }

  async next(): Promise<Batch | null> {
    for (;;) {
      const batch = await this.#source.next();
      if (batch?.index === undefined) return batch;
      const kept = this.#keep(batch.format, batch.index.starts, batch.index.count);
      if (kept === 0) continue;
      const starts = this.#starts;
      return {
        ...batch,
        start: starts[0],
        end: starts[kept - 1],
        index: { starts, count: kept },
      };
    }
  }

  stop(): void {
    this.#source.stop();
  }

  counters(): SourceCounters {
    return this.#source.counters();
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  #keep(format: BatchFormat, starts: Int32Array, count: number): number {
    if (this.#starts.length < count) this.#starts = new Int32Array(starts.length);
    const { view } = this.#arena;
    const little = !format.bigEndian;
    const unit = format.nanoseconds ? 1000 : 1;
    const microOf = (at: number) =>
      Math.floor(view.getUint32(at + recordLayout.fraction, little) / unit);
    let kept = 0;
    for (let number = 0; number < count; number++) {
      const at = starts[number];
      const seconds = view.getUint32(at, little);
      const micro = microOf(at);
      const isNew = seconds !== this.#seconds || micro !== this.#micro;
      if (isNew) {
        this.#seconds = seconds;
        this.#micro = micro;
        this.#seen.begin();
        const following = starts[number + 1];
        // Alone in its microsecond, as most are; of the batch's last that is not known.
        const isAlone =
          this.#window === null &&
          number + 1 < count &&
          (view.getUint32(following, little) !== seconds || microOf(following) !== micro);
        if (isAlone) {
          this.#starts[kept++] = at;
          continue;
        }
      }
      if (this.#passes(at, format)) this.#starts[kept++] = at;
      else this.repeated++;
    }
    return kept;
  }

  /** By a hash of all that makes a packet: two that differ are as good as never taken for one. */
  #passes(at: number, { linkType, bigEndian }: BatchFormat): boolean {
    const { view } = this.#arena;
    const captured = view.getUint32(at + recordLayout.capturedLength, !bigEndian);
    const wire = view.getUint32(at + recordLayout.originalLength, !bigEndian);
    let a = 0x811c9dc5 ^ captured ^ (linkType << 20);
    let b = 0x2c1b3c6d ^ wire;
    const end = at + recordLayout.size + captured;
    let offset = at + recordLayout.size;
    for (; offset + 4 <= end; offset += 4) {
      const word = view.getInt32(offset, true);
      a = Math.imul(a ^ word, 0x01000193);
      a ^= a >>> 15;
      b = Math.imul(b + word, 0x85ebca6b);
      b = (b << 13) | (b >>> 19);
    }
    for (; offset < end; offset++) {
      const byte = view.getUint8(offset);
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b + byte, 0x85ebca6b);
    }
    a ^= a >>> 16;
    b ^= b >>> 15;
    const lane = this.#laneOf(at);
    if (this.#window === null) return this.#seen.isNew(a, b, lane);
    return this.#window.isNew(this.#seconds, this.#micro, a, b, lane);
  }
}
