/** What several captures that are read as one source have in common. */
import { LbcapError } from '../errors.js';
import type { BatchFormat } from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import type { LeftOut, Source } from './source.js';

/** A source made of others; in which order their packets come is for those that extend it. */
export abstract class SeveralSources {
  readonly name: string;
  readonly format: BatchFormat;
  readonly snaplen: number;
  readonly size: number | null;
  protected readonly sources: readonly Source[];

  /**
   * @param sources at least one, all open
   * @param suffix of the name
   */
  constructor(sources: readonly Source[], suffix = '') {
    const [first] = sources;
    this.sources = sources;
    this.name = `${first.name} and ${sources.length - 1} more${suffix}`;
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
    return this.sources.reduce((sum, source) => sum + source.position, 0);
  }

  get leftOut(): LeftOut {
    const sum = { bytes: 0, places: 0 };
    for (const { leftOut } of this.sources) {
      sum.bytes += leftOut?.bytes ?? 0;
      sum.places += leftOut?.places ?? 0;
    }
    return sum;
  }

  counters(): SourceCounters {
    return nothingKnown;
  }

  stop(): void {
    for (const source of this.sources) source.stop();
  }
}

/**
 * A damaged capture does not keep the others from being read: it is told at the end.
 * @returns one error for all that were damaged so far
 * @throws `error` where it is another
 */
export function damageOf(before: LbcapError | null, error: unknown): LbcapError {
  if (!(error instanceof LbcapError) || error.code !== 'INPUT_DAMAGED') throw error;
  return together(before, error);
}

/** One error for several captures, with the first one's code and details; no advice comes twice. */
export function together(first: LbcapError | null, next: LbcapError): LbcapError {
  if (first === null) return next;
  const advice = (next.remedy ?? '')
    .split('; ')
    .filter((clause) => clause !== '' && !first.message.includes(clause));
  const said = advice.length > 0 ? `${next.problem}: ${advice.join('; ')}` : next.problem;
  return new LbcapError(first.code, `${first.message}; ${said}`, undefined, {
    details: first.details,
  });
}
