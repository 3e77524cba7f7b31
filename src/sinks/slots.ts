/** Sizes and bookkeeping of the output slots: where records wait until a write is worth it. */
import type { Region } from '../packet/arena.js';

/** All slots together, bytes: the sink's whole memory. */
const budget = 12 * 1024 * 1024;
/** Handing a write to another thread costs up to 0.1 ms on a virtual machine: few and large ones. */
const largest = 512 * 1024;
const smallest = 4 * 1024;
/** The same where a slot is to be written before it leaves the nearest caches. */
const budgetCached = 6 * 1024 * 1024;
const largestCached = 32 * 1024;

/**
 * How many slots of which size serve `outputs` files. Few files get slots of 512 KiB; many share
 * the same memory in smaller ones, since a slot that is given away half full costs a system call.
 * @param writeHere as `LabelFiles` has it: a slot that is written at once, and filled again, pays by
 *   staying in the cache
 */
export function slotSizes(outputs: number, writeHere = false): number[] {
  let size = writeHere ? largestCached : largest;
  const all = writeHere ? budgetCached : budget;
  // Three an output: one filling, two being written.
  while (size > smallest && Math.floor(all / size) < outputs * 3) size /= 2;
  return new Array<number>(Math.floor(all / size)).fill(size);
}

/** Which slots are free, which are filling for whom, and how full. */
export class Slots {
  readonly size: number;
  readonly count: number;
  readonly #regions: readonly Region[];
  readonly #free: number[];
  /** Output that a filling slot belongs to, or -1. */
  readonly #owner: Int32Array;
  #hand = 0;

  constructor(regions: readonly Region[]) {
    this.#regions = regions;
    this.count = regions.length;
    this.size = regions[0]?.size ?? 0;
    this.#free = regions.map((_, index) => index);
    this.#owner = new Int32Array(this.count).fill(-1);
  }

  start(slot: number): number {
    return this.#regions[slot].start;
  }

  /** A free slot, now `owner`'s, or -1. */
  take(owner: number): number {
    const slot = this.#free.pop();
    if (slot === undefined) return -1;
    this.#owner[slot] = owner;
    return slot;
  }

  /** The slot is being written: it belongs to nobody until `release`. */
  detach(slot: number): void {
    this.#owner[slot] = -1;
  }

  release(slot: number): void {
    this.#owner[slot] = -1;
    this.#free.push(slot);
  }

  /**
   * The owner of a slot to take away: one not used lately (clock algorithm). There must be one.
   * @param wasUsed asks and forgets whether an owner used its slot since it was last asked
   */
  victim(wasUsed: (owner: number) => boolean): number {
    for (;;) {
      const slot = this.#hand;
      this.#hand = slot + 1 === this.count ? 0 : slot + 1;
      const owner = this.#owner[slot];
      if (owner >= 0 && !wasUsed(owner)) return owner;
    }
  }
}
