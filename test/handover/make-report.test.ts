import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { ethernet, ipv4, pcapFile, tcp, type Packet } from '../../fixtures/frames.js';
import { Conversation, pcapOf } from '../../fixtures/tcp-conversations.js';
import { createRandom } from '../../fixtures/random.js';
import { findCaptures } from '../../src/handover/capture-paths.js';
import { makeReport } from '../../src/handover/make-report.js';
import { reportMarkdown } from '../../src/handover/markdown.js';
import type { Report } from '../../src/handover/report.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-make-report-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(root, 'case-'));
});

async function reportOf(...words: readonly string[]): Promise<Report> {
  const captures = await findCaptures(words);
  const { report, error } = await makeReport({ captures, labels: [], hops: Infinity });
  assert.equal(error, null);
  return report;
}

interface Sent extends Packet {
  readonly ends: readonly [number, number];
}

/** Packets between clients .2 to .5, many of one microsecond, some the very same twice. */
function crowd(seed: number, packets: number): Sent[] {
  const random = createRandom(seed);
  const sent: Sent[] = [];
  let micro = 0;
  for (let index = 0; index < packets; index++) {
    if (random.oneIn(4)) micro += random.integer(3);
    const before = sent.at(-1);
    if (before !== undefined && random.oneIn(5)) {
      sent.push({ ...before, seconds: 1_700_000_000, fraction: micro });
      continue;
    }
    const from = 2 + random.integer(4);
    const to = 2 + random.integer(4);
    const segment = tcp(5000 + from, 5000 + to, 0x10, random.integer(3));
    const data = ethernet(
      0x0800,
      ipv4(`127.0.0.${from}`, `127.0.0.${to}`, segment, { protocol: 6 }),
    );
    sent.push({ seconds: 1_700_000_000, fraction: micro, data, ends: [from, to] });
  }
  return sent;
}

describe('makeReport', () => {
  it('counts each packet once that is in two files, many to a microsecond', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const sent = crowd(seed, 40_000);
      for (const client of [2, 3, 4, 5]) {
        const own = sent.filter(({ ends }) => ends.includes(client));
        writeFileSync(join(directory, `c${client}.pcap`), pcapFile(own));
      }
      const { packets, labels, hops } = await reportOf(directory);
      assert.equal(packets.distinct, sent.length);
      const doubled = sent.filter(({ ends: [from, to] }) => from !== to).length;
      assert.equal(packets.read, sent.length + doubled);
      assert.deepEqual(
        labels.map(({ out }) => out.packets),
        [2, 3, 4, 5].map((client) => sent.filter(({ ends }) => ends[0] === client).length),
      );
      const counted = hops.rows.reduce((sum, row) => sum + row.out.packets + row.in.packets, 0);
      assert.equal(counted, sent.length);
    }
  });

  it('counts each packet once where times step back, little or far', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = createRandom(100 + seed);
      const ordered = crowd(seed, 20_000);
      const swapped = ordered.map((packet) => ({
        ...packet,
        fraction: (packet.fraction ?? 0) + (random.oneIn(10) ? random.integer(50) : 0),
      }));
      // The later half first: each file has all of the step.
      const turned = [...ordered.slice(10_000), ...ordered.slice(0, 10_000)];
      for (const sent of [swapped, turned]) {
        for (const client of [2, 3, 4, 5]) {
          const own = sent.filter(({ ends }) => ends.includes(client));
          writeFileSync(join(directory, `c${client}.pcap`), pcapFile(own));
        }
        const { packets } = await reportOf(directory);
        assert.equal(packets.distinct, sent.length);
        assert.equal(packets.maybeTwice, false);
      }
    }
  });

  it('says that a chain was taken more often than it can tell', async () => {
    const often = async (times: number): Promise<string> => {
      const frames = Array.from({ length: times }, (_, number) =>
        [2, 3].flatMap(
          (client) =>
            new Conversation({
              client: `127.0.0.${client}`,
              server: `127.0.0.${client + 1}`,
              clientPort: 1000 + number,
              at: 1000 + number + client / 10,
              pace: 0.001,
            }).open().frames,
        ),
      ).flat();
      const path = join(directory, 'others.pcap');
      writeFileSync(path, pcapOf(frames));
      const captures = await findCaptures([path]);
      const { report } = await makeReport({ captures, labels: [], hops: 40 });
      return /^- `127\.0\.0\.2` → .*$/m.exec(reportMarkdown(report))?.[0] ?? '';
    };
    assert.match(await often(20), / \(20 times\)$/);
    assert.match(await often(4200), / \([\d,]+ times among the hops kept\)$/);
  });

  it('tells the earliest and the latest packet by the nanosecond', async () => {
    const data = crowd(1, 1)[0].data;
    const fractions = [300, 100, 120, 320, 310];
    const sent = fractions.map((fraction) => ({ seconds: 1_700_000_000, fraction, data }));
    writeFileSync(join(directory, 'a.pcap'), pcapFile(sent, { nanoseconds: true }));
    const { period } = await reportOf(directory);
    assert.match(period?.first ?? '', /20\.000000100Z$/);
    assert.match(period?.last ?? '', /20\.000000320Z$/);
  });

  it('reads a ring in order of time, whatever its files are called', async () => {
    const sent = crowd(9, 3000).map((packet, index) => ({ ...packet, fraction: index * 7 }));
    const names = ['x.pcap', 'x.pcap1', 'x.pcap10', 'x.pcap2', 'x_00003_20261122.pcapng'];
    const size = sent.length / names.length;
    // tcpdump -W begins anew with the first name.
    for (const [part, name] of [...names].reverse().entries()) {
      const bytes = pcapFile(sent.slice(part * size, (part + 1) * size));
      writeFileSync(join(directory, name), bytes);
    }
    const ring = await reportOf(directory);
    assert.deepEqual(
      ring.files.map(({ name }) => name),
      ['x_00003_20261122.pcapng', 'x.pcap', 'x.pcap1', 'x.pcap2', 'x.pcap10'],
    );
    const whole = join(directory, 'whole.cap');
    writeFileSync(whole, pcapFile(sent));
    assert.deepEqual((await reportOf(whole)).hops, ring.hops);
    assert.equal(ring.packets.distinct, sent.length);
  });

  it('takes a file once, however often it is named', async () => {
    writeFileSync(join(directory, 'a.pcap'), pcapFile(crowd(10, 50)));
    const { files, packets } = await reportOf(directory, join(directory, 'a.pcap'), directory);
    assert.equal(files.length, 1);
    assert.equal(packets.read, 50);
  });

  it('has a report of captures without packets', async () => {
    writeFileSync(join(directory, 'a.pcap'), pcapFile([]));
    const { files, period, hops } = await reportOf(directory);
    assert.deepEqual([files.length, files[0]?.packets, period, hops.rows], [1, 0, null, []]);
  });
});
