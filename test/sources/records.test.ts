/** Walks over records: cuts between them, and clocks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchFormat } from '../../src/packet/batch.js';
import { endOfWholeRecords, hasRecordAfter } from '../../src/sources/records.js';

const little: BatchFormat = { linkType: 1, bigEndian: false, nanoseconds: false };
const big: BatchFormat = { ...little, bigEndian: true };

function run(
  format: BatchFormat,
  records: readonly { seconds?: number; fraction?: number; length: number }[],
): DataView {
  const total = records.reduce((sum, { length }) => sum + 16 + length, 0);
  const view = new DataView(new ArrayBuffer(total));
  let at = 0;
  for (const { seconds = 0, fraction = 0, length } of records) {
    view.setUint32(at, seconds, !format.bigEndian);
    view.setUint32(at + 4, fraction, !format.bigEndian);
    view.setUint32(at + 8, length, !format.bigEndian);
    view.setUint32(at + 12, length, !format.bigEndian);
    at += 16 + length;
  }
  return view;
}

for (const format of [little, big]) {
  test(`every cut is moved back to a record's end (big endian: ${format.bigEndian})`, () => {
    const lengths = [3, 0, 40, 1];
    const view = run(
      format,
      lengths.map((length) => ({ length })),
    );
    const ends = [0, 19, 35, 91, 108];
    for (let cut = 0; cut <= view.byteLength; cut++) {
      const expected = ends.filter((end) => end <= cut).at(-1);
      assert.equal(endOfWholeRecords(view, format, 0, cut), expected, `cut at ${cut}`);
    }
  });
}

test('a record counts as younger by its whole timestamp', () => {
  const at = 1_700_000_000;
  const micro = run(little, [
    { seconds: at, fraction: 0, length: 5 },
    { seconds: at, fraction: 500_000, length: 5 },
  ]);
  const batch = { format: little, start: 0, end: micro.byteLength };
  assert.equal(hasRecordAfter(micro, batch, at * 1e3 + 499), true);
  assert.equal(hasRecordAfter(micro, batch, at * 1e3 + 500), false);
  const nanoFormat = { ...big, nanoseconds: true };
  const nano = run(nanoFormat, [{ seconds: at, fraction: 500_000_000, length: 0 }]);
  assert.equal(
    hasRecordAfter(nano, { format: nanoFormat, start: 0, end: 16 }, at * 1e3 + 499),
    true,
  );
  assert.equal(
    hasRecordAfter(nano, { format: nanoFormat, start: 0, end: 16 }, at * 1e3 + 501),
    false,
  );
});
