/** From when to when the packets of a capture are, and how far their times step back. */
import { recordLayout, type BatchFormat } from '../packet/batch.js';
import { nanosecondsAt } from './record-time.js';

/** Is told of each batch, and of what is not in order of time: most packets are none of its business. */
export class TimeSpan {
  /** Earliest and latest packet, nanoseconds since 1970; `null` when there is none. */
  first: bigint | null = null;
  last: bigint | null = null;
  readonly #view: DataView;
  /** The earliest record of the batch in hand. All of a batch have one unit. */
  #earliest = -1;
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

  /** @param first its first record */
  begin(first: number): void {
    this.#earliest = first;
  }

  /** A record is earlier than `latest`, the latest one before it in the batch. */
  stepsBack(record: number, latest: number, format: BatchFormat): void {
    const { blocks, nanoseconds } = format;
    const [high, low] = this.#difference(latest, record, format);
    const back =
      blocks === undefined
        ? high + low * (nanoseconds ? 1e-9 : 1e-6)
        : (high * 2 ** 32 + low) * blocks.tick;
    this.#back = Math.max(this.#back, back);
    const [toHigh, toLow] = this.#difference(record, this.#earliest, format);
    if (toHigh < 0 || (toHigh === 0 && toLow < 0)) this.#earliest = record;
  }

  /** Call it while the batch is still in the arena. @param latest its latest record */
  end(latest: number, format: BatchFormat): void {
    const first = nanosecondsAt(this.#view, this.#earliest, format);
    const last = nanosecondsAt(this.#view, latest, format);
    if (this.last !== null && first < this.last) {
      this.#back = Math.max(this.#back, Number(this.last - first) / 1e9);
    }
    if (this.first === null || first < this.first) this.first = first;
    if (this.last === null || last > this.last) this.last = last;
  }

  /** Of the two words of their times. */
  #difference(a: number, b: number, { bigEndian }: BatchFormat): [high: number, low: number] {
    const word = (at: number) => this.#view.getUint32(at, !bigEndian);
    const low = recordLayout.fraction;
    return [word(a) - word(b), word(a + low) - word(b + low)];
  }
}
