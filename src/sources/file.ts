/** A classic pcap file or stream as a source of batches. */
import type { LbcapError } from '../errors.js';
import { capturedLength, normaliseRecords } from '../formats/pcap-dialects.js';
import type { PcapFileHeader } from '../formats/pcap.js';
import type { RecordReading } from '../formats/pcap-repair.js';
import type { Arena, Region } from '../packet/arena.js';
import {
  endOfWholeRecords,
  maximumCapturedLength,
  recordLayout,
  type Batch,
  type BatchFormat,
} from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import type { ByteInput } from './byte-input.js';
import { damagedAt, DamageCount } from './damage.js';
import { RecordRepair } from './record-repair.js';
import type { Source } from './source.js';
import { Window } from './window.js';

/** Records of one batch of an older dialect, which come with an index. */
const mostIndexed = 32_768;

export class PcapSource implements Source {
  readonly name: string;
  readonly size: number | null;
  readonly format: BatchFormat;
  readonly snaplen: number;
  readonly fileHeader?: Uint8Array;
  readonly leftOut = new DamageCount();
  readonly #arena: Arena;
  readonly #window: Window;
  readonly #headerSize: number;
  readonly #reading: RecordReading;
  readonly #repair: RecordRepair | null;
  /** For dialects whose records are not one behind the other. */
  readonly #starts: Int32Array | null;
  #headerRead = false;
  #damage: LbcapError | null = null;

  /**
   * @param regions three of `fileRegionSizes`
   * @param header the file's, read, and its bytes
   * @param repair skip damage instead of ending at it
   */
  constructor(
    input: ByteInput,
    arena: Arena,
    regions: readonly Region[],
    header: PcapFileHeader,
    bytes: Uint8Array,
    repair: boolean,
  ) {
    this.name = input.name;
    this.size = input.size;
    this.#arena = arena;
    this.#window = new Window(input, arena, regions);
    this.#headerSize = header.size;
    if (header.isCurrent) this.fileHeader = bytes;
    this.format = header.format;
    this.snaplen = header.snaplen;
    this.#reading = {
      little: !header.format.bigEndian,
      nanoseconds: header.format.nanoseconds,
      dialect: header.records,
    };
    this.#repair = repair
      ? new RecordRepair(
          this.#window,
          arena.view,
          this.#reading,
          () => this.#window.more(),
          this.leftOut,
        )
      : null;
    const isPlain =
      header.records.headerSize === recordLayout.size && header.records.lengths === 'in order';
    this.#starts = isPlain ? null : new Int32Array(mostIndexed);
  }

  get position(): number {
    return this.#window.offset;
  }

  async next(): Promise<Batch | null> {
    const window = this.#window;
    for (;;) {
      if (window.stopped) return null;
      if (this.#damage !== null) throw this.#damage;
      if (!this.#headerRead) await this.#skipHeader();
      let limit: number | null = window.end;
      if (this.#repair !== null) {
        limit = await this.#repair.believed();
        if (limit === null) return null;
      }
      const batch = this.#wholeRecords(limit);
      if (batch !== null) return batch;
      if (this.#damage !== null || (await this.#window.more())) continue;
      if (window.stopped || window.length === 0) return null;
      this.#damage = this.#cut();
    }
  }

  async nextUnchecked(): Promise<Batch | null> {
    if (this.#starts !== null || this.#repair !== null) return this.next();
    const window = this.#window;
    if (window.stopped) return null;
    if (this.#damage !== null) throw this.#damage;
    const isFirst = !this.#headerRead;
    if (isFirst) await this.#skipHeader();
    if ((!isFirst || window.length === 0) && !(await this.#window.more())) {
      if (window.stopped || window.length === 0) return null;
      this.#damage = this.#cut();
      throw this.#damage;
    }
    return { format: this.format, start: window.start, end: window.end, unchecked: true };
  }

  walked(at: number): void {
    this.#window.dropTo(at);
    this.#checkLength();
  }

  stop(): void {
    this.#window.stop();
  }

  counters(): SourceCounters {
    return nothingKnown;
  }

  close(): Promise<void> {
    return this.#window.close();
  }

  async #skipHeader(): Promise<void> {
    const window = this.#window;
    while (window.length < this.#headerSize && (await this.#window.more()));
    window.dropTo(Math.min(window.end, window.start + this.#headerSize));
    this.#headerRead = true;
  }

  /** The window's whole records, or `null` when there is none; and whether what follows can be believed. */
  #wholeRecords(limit: number): Batch | null {
    const window = this.#window;
    const { start } = window;
    const { view } = this.#arena;
    const { little, dialect } = this.#reading;
    if (this.#starts === null) {
      const end = endOfWholeRecords(view, start, limit, this.format.bigEndian);
      window.dropTo(end);
      this.#checkLength();
      return end > start ? { format: this.format, start, end } : null;
    }
    const starts = this.#starts;
    const { count, end } = normaliseRecords(view, start, limit, little, dialect, starts);
    window.dropTo(end);
    if (count < starts.length) this.#checkLength();
    return count > 0 ? { format: this.format, start, end, index: { starts, count } } : null;
  }

  #checkLength(): void {
    const window = this.#window;
    const { little, dialect } = this.#reading;
    if (this.#repair !== null || window.length < dialect.headerSize) return;
    const captured = capturedLength(this.#arena.view, window.start, little, dialect);
    if (captured <= maximumCapturedLength) return;
    this.#damage = damagedAt(
      this.name,
      window.offset,
      `the record header there claims ${captured} captured bytes, and ${maximumCapturedLength} is the most there can be`,
    );
  }

  #cut(): LbcapError {
    const window = this.#window;
    const { little, dialect } = this.#reading;
    const { headerSize } = dialect;
    if (window.length < headerSize) {
      return damagedAt(
        this.name,
        window.offset,
        `cut inside a record header, ${headerSize} bytes were needed and ${window.length} are there`,
      );
    }
    const needed = headerSize + capturedLength(this.#arena.view, window.start, little, dialect);
    return damagedAt(
      this.name,
      window.offset,
      `cut inside a packet, the record needs ${needed} bytes and ${window.length} are there`,
    );
  }
}
