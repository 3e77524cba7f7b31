/** TCP health by label: counters that follow each connection's state. */
import { segmentEvent } from './connection.js';
import { flowLayout, flowState } from './flow-layout.js';
import type { FlowRecords } from './flow-records.js';
import type { TcpHealth } from './snapshot.js';

const { state, label, size } = flowLayout;

/** How long a SYN may wait before it counts as unanswered, seconds. */
const patience = 1;

/**
 * A connection counts once for each label at either of its ends. One more set of counters, behind
 * the labels', counts each connection once.
 */
export class HealthCounters {
  readonly #records: FlowRecords;
  readonly #open: Int32Array;
  readonly #pending: Int32Array;
  readonly #resets: Float64Array;
  readonly #retransmissions: Float64Array;
  readonly #unanswered: Int32Array;
  /** The moment that `#unanswered` holds for; NaN when a SYN has come or gone since. */
  #unansweredAt = NaN;

  constructor(labels: number, records: FlowRecords) {
    this.#records = records;
    this.#open = new Int32Array(labels + 1);
    this.#pending = new Int32Array(labels + 1);
    this.#unanswered = new Int32Array(labels + 1);
    this.#resets = new Float64Array(labels + 1);
    this.#retransmissions = new Float64Array(labels + 1);
  }

  /** Counts a connection in and out as the bits of its state go from `before` to `after`. */
  change(at: number, before: number, after: number): void {
    const changed = before ^ after;
    if (changed & flowState.open) this.#add(this.#open, at, after & flowState.open ? 1 : -1);
    if (changed & flowState.pending) {
      this.#add(this.#pending, at, after & flowState.pending ? 1 : -1);
      this.#unansweredAt = NaN;
    }
  }

  /** Counts what one segment brought about; a restarted record may have a new time of its SYN. */
  count(at: number, events: number): void {
    if (events & segmentEvent.retransmission) this.#add(this.#retransmissions, at, 1);
    if (events & segmentEvent.reset) this.#add(this.#resets, at, 1);
    if (events & segmentEvent.restart) this.#unansweredAt = NaN;
  }

  /** @param now seconds on the packets' clock */
  of(index: number, now: number): TcpHealth {
    if (this.#pending[index] !== 0 && this.#unansweredAt !== now) this.#findUnanswered(now);
    return {
      open: this.#open[index],
      unanswered: this.#pending[index] === 0 ? 0 : this.#unanswered[index],
      resets: this.#resets[index],
      retransmissions: this.#retransmissions[index],
    };
  }

  /** @param now as in `of` */
  total(now: number): TcpHealth {
    return this.of(this.#open.length - 1, now);
  }

  /** One pass over the flows for all labels, since a snapshot asks for each of them. */
  #findUnanswered(now: number): void {
    const { words, synAt, count } = this.#records;
    this.#unanswered.fill(0);
    for (let flow = 0; flow < count; flow++) {
      const at = flow * size;
      if ((words[at + state] & flowState.pending) === 0) continue;
      if (now - synAt[flow] >= patience) this.#add(this.#unanswered, at, 1);
    }
    this.#unansweredAt = now;
  }

  #add(counters: Int32Array | Float64Array, at: number, amount: number): void {
    const words = this.#records.words;
    const low = words[at + label];
    const high = words[at + label + 1];
    if (low >= 0) counters[low] += amount;
    if (high >= 0 && high !== low) counters[high] += amount;
    counters[counters.length - 1] += amount;
  }
}
