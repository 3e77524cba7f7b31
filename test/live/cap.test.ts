/** The cap engine on real traffic, where the optional package is installed and built. Needs root. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LbcapError } from '../../src/errors.js';
import { createArena } from '../../src/packet/arena.js';
import { openCap } from '../../src/sources/cap.js';
import type { LiveOptions } from '../../src/sources/live.js';
import { numbersOf, ownAddress, read, Sender, upTo, whyNot } from './traffic.js';

test('moderate traffic comes whole', { skip: whyNot() }, async (t) => {
  const address = ownAddress();
  const { arena, regions } = createArena([1 << 20, 1 << 20]);
  const notices: string[] = [];
  const options: LiveOptions = {
    interface: 'lo',
    snaplen: 262_144,
    bufferSize: 16 << 20,
    filter: `host ${address}`,
    nanoseconds: false,
    arena,
    regions,
    onNotice: (text) => notices.push(text),
  };
  const source = await openCap(options).catch((error: unknown) => {
    if (error instanceof LbcapError && error.code === 'ENGINE_MISSING') return null;
    throw error;
  });
  if (source === null) {
    t.skip('the optional package cap is not installed or was not built');
    return;
  }
  assert.equal(notices.length, 1);
  const sender = await Sender.at(address);
  const reading = read({ source, arena, notices }, 1000);
  // cap's ring holds few packets (native-notes/cap.md), and sending gives the event loop no turn.
  for (let round = 0; round < 50; round++) {
    await sender.send(20);
    await turn();
  }
  assert.deepEqual(numbersOf(await reading), upTo(1000));
  source.stop();
  assert.equal(await source.next(), null);
  await source.close();
  sender.close();
});
