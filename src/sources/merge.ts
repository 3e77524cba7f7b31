/** Several captures, their packets by time, as one source. */
import type { Arena } from '../packet/arena.js';
import { convertRecords, recordLayout, type Batch, type BatchFormat } from '../packet/batch.js';
import type { LbcapError } from '../errors.js';
import { damageOf, SeveralSources } from './several.js';
import type { Source } from './source.js';

/** Packets of one batch. */
const mostPackets = 32_768;

/** One capture and the packet of it that is next. */
class Queue {
  /** Offset of the next packet's record header, and its time. */
  record = 0;
  seconds = 0;
  fraction = 0;
  ended = false;
  #batch: Batch | null = null;
  #number = 0;

  constructor(
    readonly source: Source,
    readonly view: DataView,
    readonly target: BatchFormat,
  ) {}

  get batch(): Batch | null {
    return this.#batch;
  }

  /** Gets the next batch that has packets, in the format that all share. */
  async fill(): Promise<void> {
    for (;;) {
      const batch = await this.source.next();
      if (batch === null) {
        this.ended = true;
        return;
      }
      this.#batch = convertRecords(this.view, batch, this.target);
      this.#number = 0;
      this.record = batch.start;
      if (this.#look()) return;
    }
  }

  /** Steps over the next packet. */
  advance(): void {
    this.record +=
      recordLayout.size +
      this.view.getUint32(this.record + recordLayout.capturedLength, !this.target.bigEndian);
    this.#number++;
    this.#look();
  }

  /** Reads the time of the next packet; there is none when the batch is at its end. */
  #look(): boolean {
    const batch = this.#batch;
    if (batch === null) return false;
    const { index } = batch;
    const isThere = index === undefined ? this.record < batch.end : this.#number < index.count;
    if (!isThere) {
      this.#batch = null;
      return false;
    }
    if (index !== undefined) this.record = index.starts[this.#number];
    const little = !this.target.bigEndian;
    this.seconds = this.view.getUint32(this.record, little);
    this.fraction = this.view.getUint32(this.record + recordLayout.fraction, little);
    return true;
  }
}

/** Packets of the same time come in the order of the sources; a capture's own order stays. */
export class MergeSource extends SeveralSources implements Source {
  readonly #queues: Queue[];
  readonly #starts = new Int32Array(mostPackets);
  #stopped = false;
  #damage: LbcapError | null = null;

  /** @param sources at least one, all open, of records (not blocks), each with regions of its own */
  constructor(sources: readonly Source[], arena: Arena) {
    super(sources, ', merged');
    this.#queues = sources.map((source) => new Queue(source, arena.view, this.format));
  }

  /** Nothing is copied: the index leads from capture to capture. */
  async next(): Promise<Batch | null> {
    if (this.#stopped) return null;
    for (const queue of this.#queues) {
      if (queue.batch === null && !queue.ended) await this.#fill(queue);
    }
    const live = this.#queues.filter((queue) => !queue.ended);
    if (live.length < this.#queues.length) this.#queues.splice(0, Infinity, ...live);
    if (live.length === 0) {
      if (this.#damage !== null) throw this.#damage;
      return null;
    }
    const starts = this.#starts;
    let count = 0;
    let linkType = -1;
    while (count < mostPackets) {
      const queue = earliest(live);
      const { batch } = queue;
      if (batch === null) break;
      if (linkType === -1) ({ linkType } = batch.format);
      else if (batch.format.linkType !== linkType) break;
      starts[count++] = queue.record;
      queue.advance();
      // Where its next packet belongs is not known before its next batch is there.
      if (queue.batch === null) break;
    }
    return {
      format: { ...this.format, linkType },
      start: starts[0],
      end: starts[count - 1],
      index: { starts, count },
    };
  }

  override stop(): void {
    this.#stopped = true;
    super.stop();
  }

  async close(): Promise<void> {
    for (const source of this.sources) await source.close();
  }

  async #fill(queue: Queue): Promise<void> {
    try {
      await queue.fill();
    } catch (error) {
      this.#damage = damageOf(this.#damage, error);
      queue.ended = true;
    }
  }
}

/** The first of those with the least time. */
function earliest(queues: readonly Queue[]): Queue {
  let [best] = queues;
  for (const queue of queues) {
    const isEarlier =
      queue.seconds < best.seconds ||
      (queue.seconds === best.seconds && queue.fraction < best.fraction);
    if (isEarlier) best = queue;
  }
  return best;
}
