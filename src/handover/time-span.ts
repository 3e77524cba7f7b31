/** From when to when the packets of a capture are, and how far their times step back. */
import { recordLayout, type Batch, type BatchFormat } from '../packet/batch.js';
import { nanosecondsAt } from './record-time.js';

export class TimeSpan {
  /** Earliest and latest packet, nanoseconds since 1970; `null` when there is none. */
  first: bigint | null = null;
  last: bigint | null = null;
  readonly #view: DataView;
  /** Of the batch in hand: its records, and the words of their times. All of a batch have one unit. */
  #format: BatchFormat | null = null;
  #earliest = -1;
  #latest = -1;
  #high = 0;
  #low = 0;
  #leastHigh = 0;
  #leastLow = 0;
  /** Seconds by which a packet is earlier than one before it. */
  #back = 0;

  constructor(view: DataView) {
    this.#view = view;
  }

  /** Most microseconds by which a packet is earlier than one before it, rounded up; 0 in order of time. */
  get stepBack(): number {
    // A double has the difference only nearly.
    return this.#back === 0 ? 0 : Math.ceil(this.#back * 1e6) + 1;
  }

  begin({ format }: Batch): void {
    this.#format = format;
    this.#earliest = this.#latest = -1;
  }

  take(record: number, little: boolean): void {
    const high = this.#view.getUint32(record, little);
    const low = this.#view.getUint32(record + recordLayout.fraction, little);
    if (this.#latest < 0) {
      this.#earliest = record;
      this.#leastHigh = high;
      this.#leastLow = low;
    } else if (high < this.#high || (high === this.#high && low < this.#low)) {
      this.#stepsBack(record, high, low);
      return;
    }
    this.#latest = record;
    this.#high = high;
    this.#low = low;
  }

  /** Call it while the batch is still in the arena. */
  end(): void {
    const format = this.#format;
    if (format === null || this.#latest < 0) return;
    const first = nanosecondsAt(this.#view, this.#earliest, format);
    const last = nanosecondsAt(this.#view, this.#latest, format);
    if (this.last !== null && first < this.last) {
      this.#back = Math.max(this.#back, Number(this.last - first) / 1e9);
    }
    if (this.first === null || first < this.first) this.first = first;
    if (this.last === null || last > this.last) this.last = last;
  }

  #stepsBack(record: number, high: number, low: number): void {
    const { blocks, nanoseconds } = this.#format ?? {};
    const back =
      blocks === undefined
        ? this.#high - high + (this.#low - low) * (nanoseconds === true ? 1e-9 : 1e-6)
        : ((this.#high - high) * 2 ** 32 + (this.#low - low)) * blocks.tick;
    this.#back = Math.max(this.#back, back);
    if (high < this.#leastHigh || (high === this.#leastHigh && low < this.#leastLow)) {
      this.#earliest = record;
      this.#leastHigh = high;
      this.#leastLow = low;
    }
  }
}
