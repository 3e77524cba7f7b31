/** A drain ends as soon as it can be known that nothing is missing, and never too early. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchFormat } from '../../src/packet/batch.js';
import { Drain, type DrainLimits } from '../../src/sources/drain.js';

const wall = 1_700_000_000_000;
const limits: DrainLimits = { holdBack: 70, bufferSize: 1000, missing: null, uncertain: 0 };

function drain(change: Partial<DrainLimits> = {}): Drain {
  return new Drain({ ...limits, ...change }, wall, 5000);
}

/** Shows a batch of empty packets with these stamps in milliseconds. */
function show(to: Drain, stamps: readonly number[], change: Partial<BatchFormat> = {}): void {
  const format = { linkType: 1, bigEndian: false, nanoseconds: false, ...change };
  const view = new DataView(new ArrayBuffer(stamps.length * 16));
  stamps.forEach((stamp, index) => {
    const seconds = Math.floor(stamp / 1e3);
    const fraction = Math.round((stamp - seconds * 1e3) * (format.nanoseconds ? 1e6 : 1e3));
    view.setUint32(index * 16, seconds, !format.bigEndian);
    view.setUint32(index * 16 + 4, fraction, !format.bigEndian);
  });
  to.saw(view, { format, start: 0, end: view.byteLength });
}

test('nothing is missing: at once', () => {
  assert.equal(drain({ missing: 0 }).done, true);
});

test('it ends with the last of the packets that the kernel counted', () => {
  const each = drain({ missing: 3 });
  show(each, [wall - 2, wall - 1]);
  assert.equal(each.done, false);
  show(each, [wall - 1]);
  assert.equal(each.done, true);
});

for (const change of [{}, { nanoseconds: true }, { bigEndian: true }]) {
  test(`a packet younger than the stop ends it (${JSON.stringify(change)})`, () => {
    const each = drain();
    show(each, [wall - 1, wall + 0.999], change);
    assert.equal(each.done, false);
    show(each, [wall + 1.001], change);
    assert.equal(each.done, true);
  });
}

test('without a count: when the kernel has had its time', () => {
  const each = drain();
  each.foundNothing(5070);
  assert.equal(each.done, false);
  each.foundNothing(5071);
  assert.equal(each.done, true);
});

test('a kernel that is late is waited for, but not for ever', () => {
  const each = drain({ missing: 3, uncertain: 2 });
  each.foundNothing(5400);
  assert.equal(each.done, false);
  each.foundNothing(5501);
  assert.equal(each.done, true);
});

test('packets that may never come are not waited for longer than usual', () => {
  const each = drain({ missing: 2, uncertain: 2 });
  each.foundNothing(5060);
  assert.equal(each.done, false);
  each.foundNothing(5071);
  assert.equal(each.done, true);
});

test('a clock that was set back does not drain a flood for ever', () => {
  const each = drain();
  for (let round = 0; round < 6; round++) show(each, Array<number>(10).fill(wall - 1e6));
  assert.equal(each.done, false);
  show(each, Array<number>(10).fill(wall - 1e6));
  assert.equal(each.done, true);
});
