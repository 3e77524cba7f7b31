/** Bytes from a Mac: DLT_NULL captures of either byte order, told apart as tcpdump and tshark do. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { families, nullCapture } from '../../fixtures/null-captures.js';
import type { Report } from '../../src/handover/report.js';
import { lbcap } from '../cli/lbcap.js';
import { lacking } from '../requirements.js';

const skip = lacking('tcpdump', 'tshark');
const root = mkdtempSync(join(tmpdir(), 'lbcap-mac-'));
after(() => rmSync(root, { recursive: true }));

/** Filters by hand, not lbcap's own. */
const clients = [
  { label: 'a=127.0.0.2', bpf: 'host 127.0.0.2', display: 'ip.addr==127.0.0.2' },
  {
    label: 'b=127.0.0.3-127.0.0.4',
    bpf: 'host 127.0.0.3 or host 127.0.0.4',
    display: 'ip.addr==127.0.0.3 || ip.addr==127.0.0.4',
  },
  { label: 'c=[::1]:9092', bpf: 'ip6 and port 9092', display: 'ipv6 && udp.port==9092' },
] as const;
const labels = clients.flatMap(({ label }) => ['-l', label]);
const nameOf = (label: string) => label.split('=')[0];

interface End {
  readonly packets: number;
  readonly labels: readonly { readonly packets: number; readonly file: string }[];
  readonly others: { readonly packets: number };
}

function tshark(file: string, display: string): string[] {
  const words = ['-n', '-r', file, '-Y', display, '-T', 'fields', '-e', 'frame.number'];
  const text = execFileSync('tshark', words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return text.split('\n').slice(0, -1);
}

/** The records that tcpdump selects, in this machine's byte order, without the file header. */
function tcpdump(file: string, bpf: string): Buffer {
  const words = ['-r', file, '-w', '-', ...(bpf === '' ? [] : [bpf])];
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  return execFileSync('tcpdump', words, { stdio: [...stdio], maxBuffer: 1 << 26 }).subarray(24);
}

/** Of either byte order: labels as `split` has them, connections as tshark has them. */
function assertReported(input: string, { labels: ended }: End): void {
  const { status, stdout, stderr } = lbcap(['report', input, ...labels, '--json', '--all']);
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout) as Report;
  assert.deepEqual(
    report.labels.map((label) => label.out.packets + label.in.packets),
    ended.map(({ packets }) => packets),
  );
  const table = execFileSync('tshark', ['-n', '-r', input, '-q', '-z', 'conv,tcp'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const conversations = [...table.matchAll(/^(\S+):\d+ +<-> (\S+) +(\d+) .*? bytes +(\d+) /gm)]
    .map(([, from, to, back, forth]) => `${from} ${to} ${forth} ${back}`)
    // Nobody's label.
    .filter((line) => !line.startsWith('127.0.0.5 '));
  const hops = report.hops.rows
    .filter(({ protocol }) => protocol === 'tcp')
    .map((hop) => {
      const ends = `${hop.from.address} ${hop.to.address}:${hop.to.port}`;
      return `${ends} ${hop.out.packets} ${hop.in.packets}`;
    });
  assert.equal(hops.length, 3);
  assert.deepEqual(hops, conversations.sort());
  // One of datagrams for each port of the label's peer.
  const datagrams = report.hops.rows.filter(({ protocol }) => protocol === 'udp');
  assert.deepEqual([datagrams.length, datagrams[0]?.to.label], [4, 'c']);
}

for (const [system, ipv6Family] of Object.entries(families.ipv6)) {
  for (const bigEndian of [false, true]) {
    const order = bigEndian ? 'big-endian' : 'little-endian';
    test(`a capture of ${system}, ${order}`, { skip }, () => {
      const folder = mkdtempSync(join(root, 'capture-'));
      const input = join(folder, 'lo0.pcap');
      const bytes = nullCapture(200, bigEndian, ipv6Family);
      writeFileSync(input, bytes);

      const words = ['split', input, ...labels, '--others', '-o', join(folder, 'out'), '--json'];
      const ended = lbcap(words);
      assert.equal(ended.status, 0, ended.stderr);
      const end = JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '') as End;
      // 200 rounds of four packets, and one in ten of AppleTalk.
      assert.equal(end.packets, 820);
      assert.equal(end.others.packets, 820 - 100 - 200 - 200);

      for (const [index, { label, bpf, display }] of clients.entries()) {
        const file = end.labels[index].file;
        // Both a little- and a big-endian file keep their header, magic number and all.
        assert.deepEqual(readFileSync(file).subarray(0, 24), Buffer.from(bytes.subarray(0, 24)));
        const records = tcpdump(file, '');
        const shown = tshark(input, display);
        assert.equal(end.labels[index].packets, shown.length, label);
        const theirs = tcpdump(input, bpf);
        assert.ok(records.equals(theirs), `${label}: split, against tcpdump ${bpf}`);

        const one = ['filter', '-l', label, '--for'];
        const own = lbcap([...one, 'bpf']).stdout.trim();
        assert.ok(records.equals(tcpdump(input, own)), `${label}: lbcap's own ${own}`);
        const ownDisplay = lbcap([...one, 'wireshark']).stdout.trim();
        assert.deepEqual(tshark(input, ownDisplay), shown, ownDisplay);
        assert.equal(nameOf(label), /([a-z])\.pcap$/.exec(file)?.[1]);
      }

      const watched = lbcap(['watch', '-r', input, ...labels, '--no-write', '--json']);
      assert.equal(watched.status, 0, watched.stderr);
      const seen = JSON.parse(watched.stdout.trim().split('\n').at(-1) ?? '') as End;
      assertReported(input, end);
      const counts = (of: End) => of.labels.map(({ packets }) => packets);
      assert.deepEqual(counts(seen), counts(end));
    });
  }
}
