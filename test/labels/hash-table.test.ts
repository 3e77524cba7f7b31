/** Regular patterns of addresses are what people have, and what clusters a hash table. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom } from '../../fixtures/random.js';
import {
  buildHashTable,
  fold,
  longestSearch,
  strideOf,
  type HashTable,
} from '../../src/labels/hash-table.js';

/** The longest run of taken slots: no search, for a key that is there or not, is longer. */
function longestRun(table: HashTable, keyLength: number): number {
  const stride = strideOf(keyLength);
  const size = table.last + 1;
  let longest = 0;
  let run = 0;
  for (let i = 0; i < 2 * size; i += 1) {
    run = table.slots[(i % size) * stride + keyLength] === 0 ? 0 : run + 1;
    if (run > longest) longest = run;
    if (run >= size) break;
  }
  return longest;
}

function find(table: HashTable, key: readonly number[]): number {
  const stride = strideOf(key.length);
  let slot = Math.imul(key.reduce(fold), table.multiplier) >>> table.shift;
  for (;;) {
    const at = slot * stride;
    if (table.slots[at + key.length] === 0) return -1;
    if (key.every((word, index) => table.slots[at + index] === word)) {
      return table.slots[at + key.length] - 1;
    }
    slot = (slot + 1) & table.last;
  }
}

const count = 65_536;
const random = createRandom(11);
const patterns: Record<string, (index: number) => readonly number[]> = {
  'neighbouring addresses': (i) => [0x7f000000 + i],
  'every 16th address': (i) => [0x7f000000 + 16 * i],
  'every 256th address': (i) => [(0x7f000000 + 256 * i) | 0],
  'third byte and last byte alike': (i) => [
    (0x7f000000 + ((i & 255) << 16) + ((i >> 8) << 8) + (i & 255)) | 0,
  ],
  'random addresses': () => [random.integer(2 ** 32) | 0],
  'ports of one address': (i) => [0x7f000001, i],
  'a port that follows the address': (i) => [0x7f000000 + i, 9000 + (i & 1023)],
  'IPv6 with small interface identifiers': (i) => [0xfd000000 | 0, 0, i >> 8, i & 255, 0],
  'IPv6 subnets': (i) => [0xfd000000 | 0, i, 0, 1, 0],
};

describe('hash table of 65,536', () => {
  for (const [name, key] of Object.entries(patterns)) {
    it(`${name}: all found, no long searches`, () => {
      const entries = Array.from({ length: count }, (_, value) => ({ key: key(value), value }));
      const keyLength = entries[0].key.length;
      const keys = entries.flatMap((entry) => entry.key);
      const values = entries.map((entry) => entry.value);
      const table = buildHashTable({ keys, values }, keyLength);
      assert.ok(table.last + 1 <= 16 * count, 'bounded memory');
      for (const entry of entries) {
        const value = find(table, entry.key);
        assert.deepEqual(entries[value]?.key, entry.key);
      }
      const run = longestRun(table, keyLength);
      assert.ok(run <= 4 * longestSearch, `a run of ${run} taken slots`);
    });
  }
});
