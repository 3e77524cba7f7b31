/** The time that packets tell, for captures that are read faster or slower than they were made. */
import type { Classifier } from '../classify.js';
import type { Arena } from '../packet/arena.js';
import type { Batch } from '../packet/batch.js';
import { recordTime } from '../packet/periods.js';

/** Milliseconds on the packets' clock. */
export class PacketClock {
  readonly #arena: Arena;
  readonly #classifier: Classifier;
  #start = NaN;
  #now = NaN;

  constructor(arena: Arena, classifier: Classifier) {
    this.#arena = arena;
    this.#classifier = classifier;
  }

  /** Of the first packet; 0 before it. */
  get start(): number {
    return Number.isNaN(this.#start) ? 0 : this.#start;
  }

  /** Of the latest packet, which may be one before the last. */
  get now(): number {
    return Number.isNaN(this.#now) ? this.start : this.#now;
  }

  /** Told as soon as the classifier has walked the batch. */
  saw({ format, index, start, end }: Batch): void {
    const last = this.#classifier.lastRecord;
    if (last < 0 || (index === undefined && start === end)) return;
    const first = index === undefined ? start : index.starts[0];
    const time = (at: number) => recordTime(this.#arena.view, at, format) * 1000;
    if (Number.isNaN(this.#start)) this.#start = time(first);
    this.#now = Math.max(this.now, time(last));
  }
}
