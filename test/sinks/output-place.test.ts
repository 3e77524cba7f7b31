import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { existingRings, refuseCaseTwins } from '../../src/sinks/output-place.js';

const directory = mkdtempSync(join(tmpdir(), 'lbcap-place-'));
after(() => rmSync(directory, { recursive: true }));

it('refuses names that a file system cannot tell apart, and leaves nothing of its look behind', () => {
  const blind = () => false;
  assert.throws(
    () => refuseCaseTwins(directory, ['a', 'b', 'A'], blind),
    /does not tell a.*from A/,
  );
  refuseCaseTwins(directory, ['a', 'b', 'B2'], blind);
  // The directory of this test tells them apart, as any of Linux's own file systems does.
  refuseCaseTwins(directory, ['a', 'A']);
  assert.deepEqual(readdirSync(directory), []);
});

it('finds the rings that an earlier run left, of these names only', () => {
  const mine = ['a.00001.pcap', 'a.100000.pcap', 'b.c.00002.pcap'];
  const others = ['a.pcap', 'a.0001.pcap', 'x.00001.pcap', 'a.00001.pcap.gz', 'a.00001.pcapng'];
  for (const name of [...mine, ...others]) writeFileSync(join(directory, name), '');
  assert.deepEqual(existingRings(directory, ['a', 'b.c'], '.pcap').sort(), mine.sort());
  assert.deepEqual(existingRings(join(directory, 'none'), ['a'], '.pcap'), []);
});
