/** A thousand runs in a row leave nothing behind. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { bpfObjects, leftCgroups, processesWith, within } from '../live/run-support.js';
import { lacking } from '../requirements.js';
import { run as runInProcess } from '../../src/binding/run.js';
import { parseLabel } from '../../src/labels/parse.js';
import { sourcesOf } from '../../src/binding/sources.js';

const runs = 1000;

// In this very process, whose descriptors can be counted; each run makes and removes all it needs.
test(`${runs} runs leave nothing behind`, { skip: lacking('capture') }, async () => {
  const sources = sourcesOf(parseLabel('client', ['127.0.0.2']), false);
  const once = () =>
    runInProcess({
      sources,
      ipv6: 'to4',
      server: true,
      rebind: true,
      method: 'bpf',
      words: ['true'],
      environment: process.env,
      onNotice: () => undefined,
    });
  const look = async () => ({
    descriptors: readdirSync('/proc/self/fd').length,
    cgroups: leftCgroups().length,
    guards: processesWith('lbcap-guard').length,
    objects: await bpfObjects(),
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  });
  await once();
  // The kernel frees maps a grace period later.
  await within(5000, async () => (await bpfObjects()).every((count) => count === 0));
  const before = await look();
  for (let index = 0; index < runs; index += 1) {
    const { status } = await once();
    assert.equal(status, 0);
  }
  await within(5000, async () => isDeepStrictEqual(await look(), before));
  assert.deepEqual(await look(), before);
});
