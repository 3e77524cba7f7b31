import assert from 'node:assert/strict';
import { it } from 'node:test';
import { concat, record } from '../../fixtures/frames.js';
import type { Batch } from '../../src/packet/batch.js';
import { Periods } from '../../src/packet/periods.js';

const format = { linkType: 1, bigEndian: false, nanoseconds: false };
const size = 16 + 4;

/** Batches of records at these seconds, in memory one after the other. */
function batches(...times: readonly (readonly number[])[]): { view: DataView; list: Batch[] } {
  const bytes = concat(
    ...times.flat().map((seconds) =>
      record({
        seconds: Math.floor(seconds),
        fraction: Math.round((seconds % 1) * 1e6),
        data: new Uint8Array(4),
      }),
    ),
  );
  let start = 0;
  const list = times.map((part) => {
    const batch = { format, start, end: start + part.length * size };
    start = batch.end;
    return batch;
  });
  return { view: new DataView(bytes.buffer, bytes.byteOffset), list };
}

it('cuts where a period ends, across batches, and leaves late packets where they come', () => {
  const { view, list } = batches([100.5, 101, 110.4, 110.5, 109], [111, 155, 160.4], [160.5]);
  const periods = new Periods(10);
  const pieces = list.flatMap((batch) => [...periods.pieces(view, batch)]);
  assert.deepEqual(
    pieces.map(({ batch, isNew }) => [batch.start / size, batch.end / size, isNew]),
    [
      [0, 3, false],
      [3, 5, true],
      [5, 6, false],
      [6, 8, true],
      [8, 9, true],
    ],
  );
});

it('keeps what stands before the packets with the first of them, and takes an empty batch', () => {
  const preamble = [new Uint8Array(12)];
  const { view, list } = batches([1, 2, 30]);
  const [batch] = list;
  const index = { starts: Int32Array.of(0, size, 2 * size), count: 3 };
  const periods = new Periods(10);
  const pieces = [...periods.pieces(view, { ...batch, index, preamble })];
  assert.deepEqual(
    pieces.map((piece) => [piece.batch.index?.count, piece.batch.preamble?.length]),
    [
      [2, 1],
      [1, undefined],
    ],
  );
  assert.equal(pieces[1]?.batch.index?.starts[0], 2 * size);
  const empty = { format, start: 0, end: 0, preamble };
  assert.deepEqual([...periods.pieces(view, empty)], [{ batch: empty, isNew: false }]);
});
