import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelSnapshot, snapshotOf, threeLabels } from '../../fixtures/snapshots.js';
import { tableRows } from '../../src/terminal/rows.js';

test('rates are of the time between, else since the start', () => {
  const [before, after] = [threeLabels(0), threeLabels(1)];
  const { rows, mean } = tableRows(before, after);
  assert.equal(mean, false);
  assert.deepEqual([rows[0].packetRate, rows[0].byteRate], [545, 90_000]);
  const since = tableRows(null, after);
  assert.equal(since.mean, true);
  assert.equal(since.rows[0].packetRate, (8345 + 9200) / 72);
  assert.equal(tableRows(after, after).rows[0].byteRate, null, 'no time has passed');
});

test('a total only of several labels; a packet between two of them is one', () => {
  assert.equal(
    tableRows(null, snapshotOf([labelSnapshot('a', '127.0.0.2', [1, 1, 1, 1])])).total,
    null,
  );
  const tcp = { open: 1 };
  const labels = [
    labelSnapshot('a', '127.0.0.2', [10, 1000, 20, 2000], tcp),
    labelSnapshot('b', '127.0.0.3', [20, 2000, 10, 1000], tcp),
  ];
  const labelled = { packets: 30, bytes: 3000 };
  const talking = snapshotOf(labels, { labelled, all: labelled, elapsed: 1000 });
  const { total } = tableRows(null, talking);
  assert.deepEqual([total?.outPackets, total?.inPackets, total?.packetRate], [30, 30, 30]);
  assert.equal(total?.open, 2, 'the labels added up');
  const health = { open: 1, unanswered: 0, resets: 0, retransmissions: 0 };
  assert.equal(tableRows(null, { ...talking, tcp: health }).total?.open, 1);
});

test('of too many labels the busiest stay, in their order', () => {
  const labels = [5, 1, 9, 0, 7].map((bytes, i) =>
    labelSnapshot(`l${String(i)}`, '127.0.0.2', [1, bytes, 0, 0]),
  );
  const { rows, more, total } = tableRows(null, snapshotOf(labels), 3);
  assert.deepEqual(
    rows.map(({ label }) => label),
    ['l0', 'l2', 'l4'],
  );
  assert.equal(more, 2);
  assert.equal(total?.outBytes, 22, 'of all');
});
