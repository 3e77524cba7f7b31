/** Hash tables of 32-bit words for the hot path: open addressing in one Int32Array. */

export interface HashEntries {
  /** The words that are looked up, entry after entry: an address, and a port where there is one. */
  readonly keys: ArrayLike<number>;
  /** For each entry zero or more. Without them, the entry's own number. */
  readonly values?: ArrayLike<number>;
}

/**
 * Slots of `stride` words: the key, then the value plus one (zero is an empty slot), side by side
 * so that a probe touches one cache line. A key's first slot is the top bits of its folded words
 * times `multiplier`; the next one follows, around the end.
 */
export interface HashTable {
  readonly slots: Int32Array;
  readonly multiplier: number;
  readonly shift: number;
  /** No key came twice; of one that did the first value counts. */
  readonly distinct: boolean;
  /** Index of the last slot: slots minus one, a mask. */
  readonly last: number;
}

/** Odd numbers without pattern: each spreads regular addresses differently. */
const multipliers = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0xb5297a4d, 0x1b56c4e9];

/**
 * Beyond this many slots in one search a table is built anew. Half-full tables of random keys
 * stay below it even with 65,536 of them; a regular pattern that clusters does not.
 */
export const longestSearch = 40;

/** Folds two words into one. Not symmetric, so that an address and a port do not cancel out. */
export function fold(a: number, b: number): number {
  return Math.imul(a ^ (a >>> 16), 0x2c1b3c6d) ^ Math.imul(b ^ (b >>> 15), 0x297a2d39);
}

/**
 * Builds a table at most half full, and bounds its longest search: where some regular pattern of
 * addresses clusters under one multiplier the next is tried, then a larger table.
 *
 * @param entries keys of `keyLength` words
 */
export function buildHashTable(entries: HashEntries, keyLength: number): HashTable {
  const count = entries.keys.length / keyLength;
  const smallest = Math.max(2, Math.ceil(Math.log2(count * 2)));
  let best = fill(entries, keyLength, smallest, multipliers[0]);
  for (let bits = smallest; bits < smallest + 3; bits += 1) {
    for (const multiplier of multipliers) {
      if (best.search <= longestSearch) return best.table;
      const attempt = fill(entries, keyLength, bits, multiplier);
      if (attempt.search < best.search) best = attempt;
    }
  }
  // Nothing helped: the answers are right all the same, only later.
  return best.table;
}

/** Words from one slot to the next: a power of two that holds key and value. */
export function strideOf(keyLength: number): number {
  return 2 ** Math.ceil(Math.log2(keyLength + 1));
}

function fill(
  { keys, values }: HashEntries,
  keyLength: number,
  bits: number,
  multiplier: number,
): { table: HashTable; search: number } {
  const stride = strideOf(keyLength);
  const slots = new Int32Array(2 ** bits * stride);
  const last = 2 ** bits - 1;
  const shift = 32 - bits;
  const count = keys.length / keyLength;
  let longest = 0;
  let distinct = true;
  for (let entry = 0; entry < count; entry++) {
    const key = entry * keyLength;
    let hash = keys[key];
    for (let word = 1; word < keyLength; word++) hash = fold(hash, keys[key + word]);
    let slot = Math.imul(hash, multiplier) >>> shift;
    let search = 1;
    while (slots[slot * stride + keyLength] !== 0) {
      if (slots[slot * stride] === keys[key] && isAt(slots, slot * stride, keys, key, keyLength)) {
        distinct = false;
        break;
      }
      slot = (slot + 1) & last;
      search += 1;
    }
    if (search > longest) longest = search;
    const at = slot * stride;
    if (slots[at + keyLength] !== 0) continue;
    slots[at] = keys[key];
    for (let word = 1; word < keyLength; word++) slots[at + word] = keys[key + word];
    slots[at + keyLength] = (values === undefined ? entry : values[entry]) + 1;
  }
  return { table: { slots, multiplier, shift, distinct, last }, search: longest };
}

/** Whether that key stands in that slot. */
function isAt(
  slots: Int32Array,
  slot: number,
  keys: ArrayLike<number>,
  key: number,
  keyLength: number,
): boolean {
  for (let word = 0; word < keyLength; word++) {
    if (slots[slot + word] !== keys[key + word]) return false;
  }
  return true;
}
