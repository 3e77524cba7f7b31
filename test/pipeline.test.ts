import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ethernet, ipv4, pcapFile, udp } from '../fixtures/frames.js';
import { Classifier } from '../src/classify.js';
import { parseLabel } from '../src/labels/parse.js';
import { compileLookup } from '../src/labels/lookup.js';
import { createArena } from '../src/packet/arena.js';
import type { Batch } from '../src/packet/batch.js';
import { nothingKnown } from '../src/packet/counters.js';
import { runPipeline } from '../src/pipeline.js';
import type { Source } from '../src/sources/source.js';

const fileHeaderSize = 24;

void it('asks for what has come before each flush, and counts it before it tells of the flush', async () => {
  const packet = { data: ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(1, 2))) };
  const record = pcapFile([packet]).subarray(fileHeaderSize);
  const { arena, regions } = createArena([record.length]);
  const { start } = regions[0] ?? assert.fail();
  arena.bytes.set(record, start);
  const format = { linkType: 1, bigEndian: false, nanoseconds: false };
  const batch: Batch = { format, start, end: start + record.length };

  // Packets lie in a kernel's buffer until somebody hurries.
  let give: ((batch: Batch | null) => void) | null = null;
  const source: Source = {
    name: 'test',
    format,
    snaplen: 65_535,
    size: null,
    position: 0,
    next: () =>
      new Promise((resolve) => {
        give = resolve;
      }),
    hurry: () => give?.(batch),
    stop: () => give?.(null),
    counters: () => nothingKnown,
    close: () => Promise.resolve(),
  };
  const labels = [parseLabel('client', ['127.0.0.2'])];
  const classifier = new Classifier({
    arena,
    lookup: compileLookup(labels),
    labels: 1,
    keepOthers: false,
    maximumRun: 1024,
  });
  const counted: number[] = [];
  const { error } = await runPipeline({
    source,
    classifier,
    arena,
    output: null,
    outputFormat: null,
    flushEvery: 10,
    onFlush: () => {
      counted.push(classifier.labelledPackets);
      if (counted.length === 3) source.stop();
    },
  });
  assert.equal(error, null);
  assert.deepEqual(counted, [1, 2, 3]);
});
