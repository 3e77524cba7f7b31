/** The list of interfaces is tcpdump's. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { captureInterfaces } from '../../src/native/libpcap.js';

test('the same names as tcpdump -D, and the loopback is known as one', async (t) => {
  const found = await captureInterfaces();
  const loopbacks = found.filter((each) => each.loopback).map((each) => each.name);
  const tcpdump = spawnSync('tcpdump', ['-D'], { encoding: 'utf8' });
  if (tcpdump.error !== undefined || tcpdump.status !== 0) {
    t.skip('tcpdump -D does not work here');
    return;
  }
  const lines = tcpdump.stdout.trim().split('\n');
  assert.deepEqual(
    found.map((each) => each.name),
    lines.map((line) => /^\d+\.(\S+)/.exec(line)?.[1]),
  );
  assert.deepEqual(
    loopbacks,
    lines.filter((line) => line.includes('Loopback')).map((line) => /^\d+\.(\S+)/.exec(line)?.[1]),
  );
});
