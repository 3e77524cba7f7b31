/** The queue of regions: nothing is overwritten while it is lent or waits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RegionQueue } from '../../src/sources/region-queue.js';

test('what is reserved is taken, in order, once', () => {
  const queue = new RegionQueue([
    { start: 0, size: 10 },
    { start: 10, size: 10 },
  ]);
  assert.equal(queue.take(), null);
  assert.equal(queue.reserve(6), 0);
  assert.equal(queue.reserve(4), 6);
  assert.equal(queue.reserve(1), 10);
  assert.deepEqual(queue.take(), { start: 0, end: 10 });
  assert.deepEqual(queue.take(), { start: 10, end: 11 });
  assert.equal(queue.take(), null);
});

test('a lent region is not filled before the next is taken', () => {
  const queue = new RegionQueue([
    { start: 0, size: 8 },
    { start: 8, size: 8 },
  ]);
  queue.reserve(8);
  assert.deepEqual(queue.take(), { start: 0, end: 8 });
  assert.equal(queue.reserve(8), 8);
  assert.equal(queue.reserve(8), null, 'one is lent, one is full');
  assert.equal(queue.reserve(1), null);
  assert.deepEqual(queue.take(), { start: 8, end: 16 });
  assert.equal(queue.reserve(8), 0, 'the first one came back');
});

test('against a plain list of records, at random', () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const sizes = [32, 48, 40];
  let start = 0;
  const queue = new RegionQueue(sizes.map((size) => ({ start: (start += size) - size, size })));
  const memory = new Uint8Array(120);
  const expected: number[] = [];
  const taken: number[] = [];
  let lent: { start: number; end: number; copy: Uint8Array } | null = null;
  for (let step = 0; step < 20_000; step++) {
    if (random(3) > 0) {
      const at = queue.reserve(4);
      if (at === null) continue;
      new DataView(memory.buffer).setUint32(at, step);
      expected.push(step);
    } else {
      if (lent !== null) assert.deepEqual(memory.slice(lent.start, lent.end), lent.copy);
      const filled = queue.take();
      lent = filled && { ...filled, copy: memory.slice(filled.start, filled.end) };
      for (let at = filled?.start ?? 0; at < (filled?.end ?? 0); at += 4) {
        taken.push(new DataView(memory.buffer).getUint32(at));
      }
    }
  }
  assert.deepEqual(taken, expected.slice(0, taken.length));
  assert.ok(expected.length - taken.length <= 120 / 4);
});
