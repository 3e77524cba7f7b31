/** Several captures, one after the other, as one source. */
import { LbcapError } from '../errors.js';
import type { Batch, BatchFormat } from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import type { LeftOut, Source } from './source.js';

/** @param sources already open; their formats may differ, batch by batch */
export function inSequence(sources: readonly Source[]): Source {
  const [first] = sources;
  if (first === undefined) throw new LbcapError('USAGE', 'no capture was given', 'name a file');
  return sources.length === 1 ? first : new SequenceSource(sources, first);
}

class SequenceSource implements Source {
  readonly name: string;
  readonly format: BatchFormat;
  readonly snaplen: number;
  readonly size: number | null;
  readonly #sources: readonly Source[];
  #current = 0;
  #damage: LbcapError | null = null;

  constructor(sources: readonly Source[], first: Source) {
    this.#sources = sources;
    this.name = `${first.name} and ${sources.length - 1} more`;
    this.format = {
      ...first.format,
      // The finer unit, so that nothing is lost.
      nanoseconds: sources.some((source) => source.format.nanoseconds),
    };
    this.snaplen = Math.max(...sources.map((source) => source.snaplen));
    this.size = sources.some((source) => source.size === null)
      ? null
      : sources.reduce((sum, source) => sum + (source.size ?? 0), 0);
  }

  get position(): number {
    return this.#sources.reduce((sum, source) => sum + source.position, 0);
  }

  get leftOut(): LeftOut {
    return sumOf(this.#sources);
  }

  /** A damaged capture does not keep the ones behind it from being read; it is told at the end. */
  next(): Promise<Batch | null> {
    return this.#next((source) => source.next());
  }

  nextUnchecked(): Promise<Batch | null> {
    return this.#next((source) => source.nextUnchecked?.() ?? source.next());
  }

  walked(at: number): void {
    this.#sources[this.#current]?.walked?.(at);
  }

  async #next(ask: (source: Source) => Promise<Batch | null>): Promise<Batch | null> {
    for (;;) {
      const source = this.#sources[this.#current];
      if (source === undefined) {
        if (this.#damage !== null) throw this.#damage;
        return null;
      }
      try {
        const batch = await ask(source);
        if (batch !== null) return batch;
      } catch (error) {
        if (!(error instanceof LbcapError) || error.code !== 'INPUT_DAMAGED') throw error;
        this.#damage = together(this.#damage, error);
      }
      // All share the regions that they read into: nothing of this one may arrive any more.
      source.stop();
      await source.close();
      this.#current++;
    }
  }

  stop(): void {
    for (const source of this.#sources) source.stop();
  }

  counters(): SourceCounters {
    return nothingKnown;
  }

  async close(): Promise<void> {
    for (const source of this.#sources.slice(this.#current)) await source.close();
  }
}

/** One error for several damaged captures, with the first one's details. */
export function together(first: LbcapError | null, next: LbcapError): LbcapError {
  if (first === null) return next;
  return new LbcapError('INPUT_DAMAGED', `${first.message}; ${next.message}`, undefined, {
    details: first.details,
  });
}

/** What several sources have left out. */
export function sumOf(sources: readonly Source[]): LeftOut {
  const sum = { bytes: 0, places: 0 };
  for (const { leftOut } of sources) {
    sum.bytes += leftOut?.bytes ?? 0;
    sum.places += leftOut?.places ?? 0;
  }
  return sum;
}
