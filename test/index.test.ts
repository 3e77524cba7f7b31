/** The library as its users import it: a capture split by a few lines. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ethernet, ipv4, pcapFile, udp } from '../fixtures/frames.js';
import * as lbcap from '../src/index.js';
import { version } from '../src/version.js';

test('the version is that of package.json', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.equal(version, manifest.version);
});

test('splits a capture', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lbcap-'));
  try {
    const mine = { data: ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(1, 2))) };
    const other = { data: ethernet(0x0800, ipv4('127.0.0.3', '127.0.0.1', udp(1, 2))) };
    const path = join(directory, 'all.pcap');
    writeFileSync(path, pcapFile([mine, other, mine]));

    const labels = [lbcap.parseLabel('client', ['127.0.0.2'])];
    const lookup = lbcap.compileLookup(labels);
    const slots = lbcap.slotSizes(labels.length);
    const { arena, regions } = lbcap.createArenaOf({
      input: lbcap.fileRegionSizes,
      output: slots,
      walk: [lbcap.plainWalkSize(labels.length, lookup)],
      cursors: [lbcap.Cursors.sizeOf(labels.length)],
    });
    const source = await lbcap.openCapture(await lbcap.openFileInput(path), arena, regions.input);
    const classifier = new lbcap.Classifier({
      arena,
      region: regions.walk[0],
      lookup,
      labels: labels.length,
      keepOthers: false,
      maximumRun: slots[0] ?? 0,
    });
    const files = new lbcap.LabelFiles({
      arena,
      slots: regions.output,
      cursorRegion: regions.cursors[0],
      directory: join(directory, 'out'),
      names: ['client'],
      linkType: source.format.linkType,
      format: lbcap.pcapFormat(
        arena,
        source.format,
        source.snaplen,
        lbcap.fileHeader(source.format, source.snaplen),
      ),
      force: false,
    });
    const result = await lbcap.runPipeline({
      source,
      classifier,
      arena,
      output: files,
      outputFormat: source.format,
      flushEvery: null,
    });
    assert.equal(result.error, null);
    assert.deepEqual([classifier.packets, classifier.labelledPackets], [3, 2]);
    assert.ok(readFileSync(join(directory, 'out', 'client.pcap')).equals(pcapFile([mine, mine])));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
