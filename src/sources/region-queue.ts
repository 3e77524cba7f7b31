/** Regions that are filled record by record and lent out one at a time: bounded, never blocking. */
import type { Region } from '../packet/arena.js';

/** A filled part of the arena. */
export interface Filled {
  readonly start: number;
  readonly end: number;
}

/**
 * For a producer that cannot wait. The consumer holds one region, the producer fills another, the
 * rest is waiting room; when all are full `reserve` says so and the record is lost.
 */
export class RegionQueue {
  readonly #free: Region[];
  readonly #full: { region: Region; end: number }[] = [];
  #filling: Region | null;
  #end: number;
  #lent: Region | null = null;

  /** @param regions at least two, each longer than the longest record */
  constructor(regions: readonly Region[]) {
    this.#free = regions.slice(1);
    this.#filling = regions[0];
    this.#end = regions[0].start;
  }

  /** Bytes that wait to be taken, beyond those of full regions. */
  get filling(): number {
    return this.#filling === null ? 0 : this.#end - this.#filling.start;
  }

  /** Where the next record of `size` bytes goes; `null` when there is no room. */
  reserve(size: number): number | null {
    if (this.#filling !== null && this.#end + size > this.#filling.start + this.#filling.size) {
      this.#full.push({ region: this.#filling, end: this.#end });
      this.#filling = null;
    }
    if (this.#filling === null) {
      this.#filling = this.#free.shift() ?? null;
      if (this.#filling === null) return null;
      this.#end = this.#filling.start;
    }
    const at = this.#end;
    this.#end += size;
    return at;
  }

  /** The oldest bytes, or `null`. What was taken before may be filled again from now on. */
  take(): Filled | null {
    if (this.#lent !== null) this.#free.push(this.#lent);
    this.#lent = null;
    const oldest = this.#full.shift();
    if (oldest !== undefined) {
      this.#lent = oldest.region;
      return { start: oldest.region.start, end: oldest.end };
    }
    if (this.#filling === null || this.filling === 0) return null;
    const taken = { start: this.#filling.start, end: this.#end };
    this.#lent = this.#filling;
    this.#filling = null;
    return taken;
  }
}
