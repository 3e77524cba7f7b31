/** AssemblyScript: whose two addresses are. */

/** Of a table of labels by address: the words of labels/lookup.ts, and where its slots begin. */
const tableMultiplier: usize = 4;
const tableShift: usize = 8;
const tableLast: usize = 12;
const tableSlots: usize = 16;
const tableSize: i32 = 20;

let tables: i32 = 0;
let tablesEnd: i32 = 0;

/**
 * Pairs of addresses that were asked for lately, with the labels of both: a hash says where a pair may stand. It is
 * found without a branch that could go either way, which a search in a table is not.
 */
const pairsKept: i32 = 1024;
const pairBits: u64 = 10;
const firstLabel: usize = 8;
const secondLabel: usize = 12;
const pairSize: i32 = 16;
export const knownSize: i32 = pairsKept * pairSize;

let known: i32 = 0;

/** @param base of `knownSize` bytes, all zero */
export function setTables(base: i32, tablesAt: i32, count: i32): void {
  known = base;
  tables = tablesAt;
  tablesEnd = tablesAt + count * tableSize;
  // What is all zero, is found here for the pair that is.
  learn(base, 0);
}

/** The label of an address as it lies in memory, or -1. */
function labelOf(raw: i32): i32 {
  const address = bswap<i32>(raw);
  for (let table = tables; table < tablesEnd; table += tableSize) {
    const key = address & load<i32>(table);
    const slots = load<i32>(table, tableSlots);
    const last = load<i32>(table, tableLast);
    let slot = (key * load<i32>(table, tableMultiplier)) >>> load<i32>(table, tableShift);
    for (;;) {
      const at = slots + slot * 8;
      const label = load<i32>(at, 4);
      if (label === 0) break;
      if (load<i32>(at) === key) return label - 1;
      slot = (slot + 1) & last;
    }
  }
  return -1;
}

function learn(at: i32, pair: u64): void {
  store<u64>(at, pair);
  store<i32>(at, labelOf(<i32>pair), firstLabel);
  store<i32>(at, labelOf(<i32>(pair >> 32)), secondLabel);
}

/**
 * @param pair of addresses, the first one the lower half
 * @returns where `labelOfFirst` and `labelOfSecond` find their labels
 */
@inline
export function findPair(pair: u64): i32 {
  // The golden ratio's part of 2^64 (Knuth, The Art of Computer Programming, 6.4).
  const at = known + <i32>((pair * 0x9e37_79b9_7f4a_7c15) >> (64 - pairBits)) * pairSize;
  if (load<u64>(at) !== pair) learn(at, pair);
  return at;
}

@inline
export function labelOfFirst(found: i32): i32 {
  return load<i32>(found, firstLabel);
}

@inline
export function labelOfSecond(found: i32): i32 {
  return load<i32>(found, secondLabel);
}
