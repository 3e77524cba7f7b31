import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SightingsWindow } from '../../src/handover/sightings-window.js';

const size = 1024;

/** Two captures of `packets`, a microsecond each; the second is `late` packets behind. */
function passed(window: SightingsWindow, packets: number, late: number): number {
  let count = 0;
  for (let number = 0; number < packets + late; number++) {
    if (number < packets && window.isNew(5, number, 1, 2, 0)) count++;
    if (number >= late && window.isNew(5, number - late, 1, 2, 1)) count++;
  }
  return count;
}

test('remembers the last packets of any number', () => {
  const window = new SightingsWindow(100, size);
  assert.equal(passed(window, 50_000, 100), 50_000);
  assert.equal(window.isLeaky, false);
});

test('says so when it had to forget a moment that could come again', () => {
  const window = new SightingsWindow(5000, size);
  assert.ok(passed(window, 50_000, 5000) > 50_000);
  assert.equal(window.isLeaky, true);
});

test('lets through what one capture has twice', () => {
  const window = new SightingsWindow(100, size);
  const lanes = [0, 0, 1, 1, 1, 2];
  assert.deepEqual(
    lanes.map((lane) => window.isNew(5, 7, 1, 2, lane)),
    [true, true, false, false, true, false],
  );
});
