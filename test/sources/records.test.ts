/** Cuts fall between records. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchFormat } from '../../src/packet/batch.js';
import { endOfWholeRecords } from '../../src/sources/records.js';

const little: BatchFormat = { linkType: 1, bigEndian: false, nanoseconds: false };
const big: BatchFormat = { ...little, bigEndian: true };

function run(format: BatchFormat, records: readonly { length: number }[]): DataView {
  const total = records.reduce((sum, { length }) => sum + 16 + length, 0);
  const view = new DataView(new ArrayBuffer(total));
  let at = 0;
  for (const { length } of records) {
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
