/** The size of a dispatch settles where a run is worth its call and no longer than its target. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  maximumCount,
  minimumCount,
  nextCount,
  runTarget,
} from '../../src/sources/dispatch-count.js';

/** Feeds full dispatches of one record size until the count stands still. */
function settle(from: number, recordSize: number): number {
  let count = from;
  for (let turn = 0; turn < 64; turn++) count = nextCount(count, count, count * recordSize);
  return count;
}

for (const recordSize of [82, 122, 1530, 9016, 65_566, 262_160]) {
  for (const from of [minimumCount, maximumCount]) {
    test(`records of ${recordSize} bytes from ${from}: a run within the target`, () => {
      const count = settle(from, recordSize);
      assert.ok(count === minimumCount || count * recordSize <= runTarget, `${count}`);
      assert.ok(count === maximumCount || count * recordSize * 4 > runTarget, `${count}`);
    });
  }
}

test('calls that the kernel ended early change nothing', () => {
  assert.equal(nextCount(256, 3, 366), 256);
  assert.equal(nextCount(256, 0, 0), 256);
});
