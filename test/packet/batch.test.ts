/** Walks over records: cuts between them, other byte orders and units. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pcapFile } from '../../fixtures/frames.js';
import { convertRecords, endOfWholeRecords, type BatchFormat } from '../../src/packet/batch.js';

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
      assert.equal(endOfWholeRecords(view, 0, cut, format.bigEndian), expected, `cut at ${cut}`);
    }
  });
}

/** Big-endian, nanoseconds. */
const everyFormat: [boolean, boolean][] = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
];

test('records become what a writer of the other byte order or unit would have written', () => {
  const written = (bigEndian: boolean, nanoseconds: boolean) =>
    pcapFile(
      [1, 2, 3].map((n) => ({
        seconds: 1_700_000_000 + n,
        fraction: 123_456 * n * (nanoseconds ? 1000 : 1),
        data: new Uint8Array(n).fill(n),
        originalLength: 100_000 + n,
      })),
      { bigEndian, nanoseconds },
    ).slice(24);
  for (const from of everyFormat) {
    for (const to of everyFormat) {
      const bytes = written(...from);
      const format = { linkType: 1, bigEndian: from[0], nanoseconds: from[1] };
      const target = { linkType: 1, bigEndian: to[0], nanoseconds: to[1] };
      const batch = convertRecords(
        new DataView(bytes.buffer),
        { format, start: 0, end: bytes.length },
        target,
      );
      assert.deepEqual(bytes, written(...to));
      assert.deepEqual(batch.format, target);
    }
  }
});
