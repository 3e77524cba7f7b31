import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { killAll } from '../../src/binding/signal.js';

test('who is born while others are killed is killed too', async () => {
  const sleepers = [1, 2, 3].map(() => spawn('sleep', ['60']));
  const pids = sleepers.map(({ pid = -1 }) => pid);
  const ended = sleepers.map((sleeper) => once(sleeper, 'exit'));
  let looks = 0;
  // One more each time, as if the last had forked it before its end; the dead are listed still.
  killAll(() => pids.slice(0, ++looks));
  assert.deepEqual(await Promise.all(ended), [
    [null, 'SIGKILL'],
    [null, 'SIGKILL'],
    [null, 'SIGKILL'],
  ]);
  assert.equal(looks, 4);
});
