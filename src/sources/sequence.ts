/** Several captures, one after the other, as one source. */
import { LbcapError } from '../errors.js';
import type { Batch } from '../packet/batch.js';
import { damageOf, SeveralSources } from './several.js';
import type { Source, Walker } from './source.js';

/** @param sources already open; their formats may differ, batch by batch */
export function inSequence(sources: readonly Source[]): Source {
  const [first] = sources;
  if (first === undefined) throw new LbcapError('USAGE', 'no capture was given', 'name a file');
  return sources.length === 1 ? first : new SequenceSource(sources);
}

class SequenceSource extends SeveralSources implements Source {
  #current = 0;
  #damage: LbcapError | null = null;

  next(): Promise<Batch | null> {
    return this.#next((source) => source.next());
  }

  nextUnchecked(walker: Walker): Promise<Batch | null> {
    return this.#next((source) => source.nextUnchecked?.(walker) ?? source.next());
  }

  walked(at: number): void {
    this.sources[this.#current]?.walked?.(at);
  }

  async #next(ask: (source: Source) => Promise<Batch | null>): Promise<Batch | null> {
    for (;;) {
      const source = this.sources[this.#current];
      if (source === undefined) {
        if (this.#damage !== null) throw this.#damage;
        return null;
      }
      try {
        const batch = await ask(source);
        if (batch !== null) return batch;
      } catch (error) {
        this.#damage = damageOf(this.#damage, error);
      }
      // All share the regions that they read into: nothing of this one may arrive any more.
      source.stop();
      await source.close();
      this.#current++;
    }
  }

  async close(): Promise<void> {
    for (const source of this.sources.slice(this.#current)) await source.close();
  }
}
