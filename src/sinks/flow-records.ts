/** Records of flows in a typed array, found by open addressing, with a bound and an eviction. */
import { hashKey, keyMatches, keySize } from './flow-key.js';
import { flowLayout, flowState } from './flow-layout.js';

const { hash, state, seen, size } = flowLayout;

/** How far the eviction looks for a closed connection before it takes an idle one. */
const lookAhead = 64;

/** A power of two, at least twice the capacity, so that probing stays short. */
export function slotsFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(capacity * 2));
}

/**
 * Doubles up to `maximum` records, then evicts: a closed connection near the hand, else the first
 * that was not seen in the hand's last round (the clock algorithm, close to least recently used).
 */
export class FlowRecords {
  /** Records by `flowLayout`; another array after it has grown. */
  words: Int32Array;
  /** For each record, the seconds at which its first SYN was sent. */
  synAt: Float64Array;
  count = 0;
  evicted = 0;
  readonly #maximum: number;
  readonly #onEvict: (at: number) => void;
  #slots: Int32Array;
  #hand = 0;

  /** @param onEvict is told a record's offset while it still holds what it held */
  constructor(maximum: number, onEvict: (at: number) => void) {
    this.#maximum = Math.max(1, maximum);
    this.#onEvict = onEvict;
    const capacity = Math.min(1024, this.#maximum);
    this.words = new Int32Array(capacity * size);
    this.synAt = new Float64Array(capacity);
    this.#slots = new Int32Array(slotsFor(capacity));
  }

  /** Offset of the key's record, or -1. Leaves the key's hash behind it. */
  find(key: Int32Array, family: 4 | 6): number {
    const h = hashKey(key, family);
    const words = this.words;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = h & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = (slots[slot] - 1) * size;
      if (words[at + hash] === h && keyMatches(words, at, key, family)) return at;
    }
    return -1;
  }

  /** Makes a record for a key that `find` has just not found: the rest of it is zero. */
  insert(key: Int32Array): number {
    if (this.count === this.synAt.length && this.count < this.#maximum) this.#grow();
    const at = this.count < this.synAt.length ? this.count++ * size : this.#evict();
    this.words.set(key, at);
    this.words.fill(0, at + keySize, at + size);
    this.#place(at);
    return at;
  }

  #place(at: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.words[at + hash] & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = at / size + 1;
  }

  #grow(): void {
    const capacity = Math.min(this.synAt.length * 2, this.#maximum);
    const words = new Int32Array(capacity * size);
    words.set(this.words);
    const synAt = new Float64Array(capacity);
    synAt.set(this.synAt);
    this.words = words;
    this.synAt = synAt;
    this.#slots = new Int32Array(slotsFor(capacity));
    for (let flow = 0; flow < this.count; flow++) this.#place(flow * size);
  }

  #evict(): number {
    const at = this.#victim();
    this.evicted += 1;
    this.#onEvict(at);
    this.#unplace(at);
    return at;
  }

  #victim(): number {
    const words = this.words;
    const end = this.count * size;
    const reach = Math.min(lookAhead, this.count);
    for (let i = 0, at = this.#hand; i < reach; i++) {
      if ((words[at + state] & flowState.closed) !== 0) return at;
      at = at + size === end ? 0 : at + size;
    }
    for (;;) {
      const at = this.#hand;
      this.#hand = at + size === end ? 0 : at + size;
      if (words[at + seen] === 0) return at;
      words[at + seen] = 0;
    }
  }

  #unplace(at: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.words[at + hash] & mask;
    while (slots[hole] !== at / size + 1) hole = (hole + 1) & mask;
    // Close the gap: what a collision pushed past it moves back (Knuth, 6.4, algorithm R).
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.words[(slots[slot] - 1) * size + hash] & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot];
      hole = slot;
    }
    slots[hole] = 0;
  }
}
