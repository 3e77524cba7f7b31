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

/** Of each file: one filling, two being written. */
const slotsEach = 3;

/**
 * How many slots of which size serve `outputs` files at first: when more of them have packets, slots
 * become smaller. Few files get slots of 512 KiB; many share the same memory in smaller ones, since a
 * slot that is given away half full costs a system call.
 * @param writeHere as `LabelFiles` has it: a slot that is written at once, and filled again, pays by
 *   staying in the cache
 */
export function slotSizes(outputs: number, writeHere = false): number[] {
  let size = writeHere ? largestCached : largest;
  const all = writeHere ? budgetCached : budget;
  while (size > smallest && Math.floor(all / size) < outputs * slotsEach) size /= 2;
  return new Array<number>(Math.floor(all / size)).fill(size);
}

/** Which slots are free, which are filling for whom, and how full. */
export class Slots {
  readonly #starts: number[];
  readonly #sizes: number[];
  readonly #free: number[];
  /** Output that a filling slot belongs to, or -1. */
  readonly #owner: number[];
  /** Bytes of all. */
  readonly #all: number;
  readonly #served = new Set<number>();
  #size: number;
  #hand = 0;

  /** @param regions of one size */
  constructor(regions: readonly Region[]) {
    this.#starts = regions.map(({ start }) => start);
    this.#sizes = regions.map(({ size }) => size);
    this.#free = regions.map((_, index) => index);
    this.#owner = regions.map(() => -1);
    this.#size = regions[0]?.size ?? 0;
    this.#all = this.#size * regions.length;
  }

  /** Of those that are given out from now on. */
  get size(): number {
    return this.#size;
  }

  get count(): number {
    return this.#starts.length;
  }

  start(slot: number): number {
    return this.#starts[slot];
  }

  /** Before an owner takes a slot: with each that is new, slots may become smaller. */
  serve(owner: number): void {
    this.#served.add(owner);
    while (this.#size > smallest && this.#all / this.#size < this.#served.size * slotsEach) {
      this.#size = Math.floor(this.#size / 2);
    }
  }

  /** A free slot, now `owner`'s, or -1. */
  take(owner: number): number {
    const slot = this.#free.pop();
    if (slot === undefined) return -1;
    while (this.#sizes[slot] > this.#size) this.#halve(slot);
    this.#owner[slot] = owner;
    return slot;
  }

  /** The other half becomes a free slot of its own. */
  #halve(slot: number): void {
    const half = Math.floor(this.#sizes[slot] / 2);
    this.#sizes[slot] = half;
    this.#free.push(this.#starts.length);
    this.#starts.push(this.#starts[slot] + half);
    this.#sizes.push(half);
    this.#owner.push(-1);
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
