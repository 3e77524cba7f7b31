/** Runs of long packets: written from where they lie, among short ones that are copied. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { concat, ethernet, ipv4, record, udp, type Bytes } from '../../fixtures/frames.js';
import { Classifier } from '../../src/classify.js';
import { compileLookup } from '../../src/labels/lookup.js';
import { parseLabels } from '../../src/labels/parse.js';
import { createArenaOf } from '../../src/packet/arena.js';
import { Cursors } from '../../src/packet/cursors.js';
import { plainWalkSize } from '../../src/plain-walk.js';
import { pcapFormat } from '../../src/sinks/file-format.js';
import { LabelFiles, type LabelFilesOptions } from '../../src/sinks/label-files.js';
import { slotSizes } from '../../src/sinks/slots.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-long-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
let count = 0;
beforeEach(() => {
  directory = join(root, `out-${count++}`);
});

const regionSize = 2 * 1024 * 1024;
/** What every file begins with. */
const header = new Uint8Array(24).fill(0x68);
const nobody = '127.9.9.9';

/** Of the first labels' addresses, `127.1.0.0` and so on. */
const address = (label: number) => `127.1.${label >> 8}.${label & 255}`;

/** A record of that many bytes of payload. */
function packet(from: string, to: string, size: number): Bytes {
  return record({ data: ethernet(0x0800, ipv4(from, to, udp(4000, 9092, size))) });
}

function open(labelCount: number, more: Partial<LabelFilesOptions> = {}) {
  const names = Array.from({ length: labelCount }, (_, index) => `label-${index}`);
  const labels = parseLabels(
    names.map((name, index) => `${name}=${address(index)}`),
    null,
  );
  const lookup = compileLookup(labels);
  const { arena, regions } = createArenaOf({
    input: [regionSize],
    output: slotSizes(Math.min(labelCount, 8)),
    walk: [plainWalkSize(labelCount, lookup)],
    cursors: [Cursors.sizeOf(labelCount)],
  });
  const format = { linkType: 1, bigEndian: false, nanoseconds: false };
  const classifier = new Classifier({
    arena,
    region: regions.walk[0],
    lookup,
    labels: labelCount,
    keepOthers: false,
    maximumRun: slotSizes(8)[0] ?? 0,
  });
  const files = new LabelFiles({
    arena,
    slots: regions.output,
    cursorRegion: regions.cursors[0],
    directory,
    names,
    linkType: 1,
    format: pcapFormat(arena, format, 0, header),
    force: false,
    ...more,
  });
  const contentOf = (label: number) => readFileSync(join(directory, `label-${label}.pcap`));
  const { start } = regions.input[0];
  const input = arena.bytes.subarray(start, start + regionSize);
  const classify = (bytes: Bytes) => {
    input.set(bytes);
    const end = start + bytes.length;
    const walked = classifier.classify({ format, start, end, unchecked: true }, files);
    assert.equal(walked, end);
  };
  return { files, input, contentOf, classify };
}

/** Small numbers that are the same in every run. */
function sequence(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

const long = packet(address(0), nobody, 20_000);

describe('runs of long packets', () => {
  for (const labels of [1, 3, 40, 300])
    it(`come out in order among short ones, and what is inserted: ${labels} labels`, async () => {
      const { files, input, contentOf, classify } = open(labels);
      const expected: Bytes[][] = Array.from({ length: labels }, () => [header]);
      const below = sequence();
      for (let number = 0; number < 30; number++) {
        const records: Bytes[] = [];
        // Stretches of long packets, of short ones, and of both.
        let longest = 1;
        for (let size = 0; size < regionSize - 400_000;) {
          if (below(12) === 0) longest = [100, 1400, 32_000, 60_000][below(4)] ?? 1;
          const [one, other] = [below(labels), below(labels)];
          const peer = below(4) === 0 ? address(other) : nobody;
          for (let packets = 1 + below(6); packets > 0; packets--) {
            const length = below(8) === 0 ? below(100) : below(longest);
            const isBack = below(2) === 0;
            const bytes = isBack
              ? packet(peer, address(one), length)
              : packet(address(one), peer, length);
            records.push(bytes);
            size += bytes.length;
            expected[one].push(bytes);
            if (peer !== nobody && other !== one) expected[other].push(bytes);
          }
        }
        classify(concat(...records));
        if (below(4) === 0) files.flush();
        assert.equal(files.settle(), null);
        input.fill(0xee);
        if (below(3) === 0) await turn();
        if (below(3) > 0) continue;
        const label = below(labels);
        const inserted = new Uint8Array(below(3000)).fill(below(256));
        files.insert(label, inserted);
        expected[label].push(inserted);
      }
      const written = await files.close();
      assert.equal(files.error, null);
      for (const [label, parts] of expected.entries()) {
        const all = concat(...parts);
        if (all.length === header.length && labels > 256) continue;
        assert.ok(contentOf(label).equals(all), `label ${label}`);
        assert.equal(written.find((file) => file.output === label)?.size, all.length);
      }
    });

  it('are taken from where they lie when the batch is over, and short ones are not', async () => {
    const { files, input, contentOf, classify } = open(1);
    const short = packet(nobody, address(0), 100);
    // From then on it has a slot.
    classify(short);
    files.settle();
    classify(concat(long, long, packet(nobody, nobody, 9), short, packet(nobody, nobody, 9), long));
    input.fill(2);
    files.settle();
    input.fill(3);
    await files.close();
    const twos = (size: number) => new Uint8Array(size).fill(2);
    const expected = concat(header, short, twos(2 * long.length), short, twos(long.length));
    assert.ok(contentOf(0).equals(expected));
  });

  it('are copied where most packets are short', async () => {
    const { files, input, contentOf, classify } = open(1);
    const shorts = Array.from({ length: 300 }, () => packet(nobody, nobody, 100));
    const bytes = concat(...shorts, long, ...shorts);
    classify(bytes);
    input.fill(2);
    files.settle();
    await files.close();
    assert.ok(contentOf(0).equals(concat(header, long)));
  });

  it('are copied while slots before them are on their way, so that a kill leaves no gap', async () => {
    const { files, input, contentOf, classify } = open(1);
    const short = packet(address(0), nobody, 500);
    const shorts = concat(...Array.from({ length: 1200 }, () => short));
    // More than a slot: it is sent, and nobody hears that it was written before the next turn.
    classify(shorts);
    files.settle();
    classify(long);
    input.fill(2);
    files.settle();
    await files.close();
    assert.ok(contentOf(0).equals(concat(header, shorts, long)));
  });

  for (const [what, options] of [
    ['live', { writeHere: true }],
    ['files that rotate', { rotation: { size: 1 << 30, keep: null } }],
  ] as const)
    it(`are copied for ${what}`, async () => {
      const { files, input, classify } = open(1, options);
      classify(long);
      input.fill(2);
      files.settle();
      const [{ path }] = await files.close();
      assert.ok(readFileSync(path).equals(concat(header, long)));
    });

  it('leave whole records on a full disk', async () => {
    mkdirSync(directory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
    try {
      const { files, contentOf, classify } = open(1);
      const batch = concat(...Array.from({ length: 40 }, () => long));
      for (let number = 0; number < 3; number++) {
        classify(batch);
        files.settle();
      }
      const [{ size, complete }] = await files.close();
      assert.match(files.error?.message ?? '', /cannot write .*\.pcap: the disk is full$/);
      assert.equal(complete, false);
      const content = contentOf(0);
      assert.equal(size, content.length);
      assert.ok(content.equals(concat(header, batch)));
    } finally {
      execFileSync('umount', [directory]);
    }
  });
});
