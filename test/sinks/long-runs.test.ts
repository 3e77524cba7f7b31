/** Runs of long packets: written from where they lie, among others that are copied. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { concat, type Bytes } from '../../fixtures/frames.js';
import type { Batch } from '../../src/packet/batch.js';
import type { LabelFilesOptions } from '../../src/sinks/label-files.js';
import { header, openLabelFiles, someRecord } from './open-label-files.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-long-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
let count = 0;
beforeEach(() => {
  directory = join(root, `out-${count++}`);
});

const regionSize = 1024 * 1024;
const long = someRecord(20_000, 1);

function open(labels: number, more: Partial<LabelFilesOptions> = {}) {
  const names = Array.from({ length: labels }, (_, index) => `label-${index}`);
  const opened = openLabelFiles(directory, names, more);
  const { files, arena } = opened;
  const contentOf = (output: number) => readFileSync(join(directory, `label-${output}.pcap`));
  const begin = (bytes: Bytes) => {
    arena.bytes.set(bytes);
    const format = { linkType: 1, bigEndian: false, nanoseconds: false };
    const batch: Batch = { format, start: 0, end: bytes.length };
    files.begin(batch);
  };
  return { files, arena, contentOf, begin };
}

/** Small numbers that are the same in every run. */
function sequence(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

describe('runs of long packets', () => {
  for (const labels of [1, 3, 40, 300])
    it(`come out in order among short ones, and among what is inserted: ${labels} labels`, async () => {
      const { files, arena, contentOf, begin } = open(labels);
      const expected: Bytes[][] = Array.from({ length: labels }, () => [header]);
      const below = sequence();
      for (let number = 0; number < 30; number++) {
        const runs: Bytes[][] = [];
        for (let size = 0; size < regionSize - 200_000;) {
          const isLong = below(3) > 0;
          const packets = Array.from({ length: 1 + below(4) }, () =>
            someRecord(isLong ? 1000 + below(32_000) : below(1400), below(256)),
          );
          runs.push(packets);
          size += concat(...packets).length;
        }
        begin(concat(...runs.flat()));
        let at = 0;
        for (const packets of runs) {
          const output = below(labels);
          const bytes = concat(...packets);
          files.append(output, at, at + bytes.length, packets.length);
          at += bytes.length;
          expected[output].push(bytes);
          if (below(200) === 0) files.flush();
          if (below(100) > 0) continue;
          const inserted = new Uint8Array(below(3000)).fill(below(256));
          files.insert(output, inserted);
          expected[output].push(inserted);
        }
        assert.equal(files.settle(), null);
        arena.bytes.fill(0xee, 0, regionSize);
      }
      const written = await files.close();
      assert.equal(files.error, null);
      for (const [output, parts] of expected.entries()) {
        const all = concat(...parts);
        if (all.length === header.length && labels > 256) continue;
        assert.ok(contentOf(output).equals(all), `label ${output}`);
        assert.equal(written.find((file) => file.output === output)?.size, all.length);
      }
    });

  it('are taken from where they lie when the batch is over, or when one call takes no more', async () => {
    const { files, arena, contentOf, begin } = open(1);
    begin(long);
    // IOV_MAX is 1024.
    for (let number = 0; number < 1500; number++) files.append(0, 0, long.length, 1);
    arena.bytes.fill(2, 16, long.length);
    files.settle();
    arena.bytes.fill(3, 16, long.length);
    await files.close();
    const content = contentOf(0);
    assert.equal(content.length, header.length + 1500 * long.length);
    const values = new Map<number | undefined, number>();
    for (let at = header.length; at < content.length; at += long.length) {
      const value = content[at + long.length - 1];
      values.set(value, (values.get(value) ?? 0) + 1);
    }
    assert.deepEqual(Object.fromEntries(values), { 1: 1023, 2: 477 });
  });

  it('leave whole records on a full disk', async () => {
    mkdirSync(directory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
    try {
      const { files, contentOf, begin } = open(1);
      begin(concat(...Array.from({ length: 40 }, () => long)));
      for (let batch = 0; batch < 3; batch++) {
        for (let at = 0; at < 40 * long.length; at += long.length)
          files.append(0, at, at + long.length, 1);
        files.settle();
      }
      const written = await files.close();
      assert.match(files.error?.message ?? '', /cannot write .*\.pcap: the disk is full$/);
      assert.deepEqual(
        written.map(({ complete }) => complete),
        [false],
      );
      const content = contentOf(0);
      assert.equal(written[0]?.size, content.length);
      assert.ok(content.equals(concat(header, ...Array.from({ length: 40 }, () => long))));
    } finally {
      execFileSync('umount', [directory]);
    }
  });

  for (const [what, options] of [
    ['live', { writeHere: true }],
    ['files that rotate', { rotation: { size: 1 << 30, keep: null } }],
  ] as const)
    it(`are copied for ${what}`, async () => {
      const { files, arena, begin } = open(1, options);
      begin(long);
      files.append(0, 0, long.length, 1);
      arena.bytes.fill(2, 0, long.length);
      files.settle();
      const [{ path }] = await files.close();
      assert.ok(readFileSync(path).equals(concat(header, long)));
    });
});
