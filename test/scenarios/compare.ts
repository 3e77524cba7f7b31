/** Compares a label's file with what tcpdump, tshark, capinfos and pcap-parser make of the same traffic. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'pcap-parser';
import { readPcap, type PcapRecord } from './pcap.js';
import { outputOf } from './process.js';
import type { EndedLabel } from './watch.js';

export interface Expectation {
  /** tcpdump's file with everything of the loopback. */
  readonly all: string;
  /** Written by hand in the test, not lbcap's own. */
  readonly bpf: string;
  /** Written by hand in the test, not lbcap's own. */
  readonly display: string;
  /** For the outsiders' own files. */
  readonly scratch: string;
}

/**
 * Asserts that the label's file is what the two filters select: packets and bytes, data identical, in
 * order (see `byDirection`). Timestamps too, as far as the kernel gives the two captures one and the same: a TCP segment
 * on lo keeps its sender's monotonic time (skb_clear_tstamp in linux/skbuff.h), so each packet socket
 * stamps it anew, some 0.2 us apart between two tcpdumps as well, more on a busy machine
 * (Linux 6.18). `split` of tcpdump's own file is where they are identical.
 */
export async function assertSamePackets(label: EndedLabel, expected: Expectation): Promise<void> {
  const { all, bpf, display, scratch } = expected;
  const file = label.file ?? assert.fail(`${label.name} has no file`);

  const byBpf = `${scratch}/${label.name}.tcpdump.pcap`;
  await outputOf('tcpdump', '-Z', 'root', '-r', all, '-w', byBpf, bpf);
  const byDisplay = `${scratch}/${label.name}.tshark.pcap`;
  await outputOf('tshark', '-n', '-r', all, '-Y', display, '-F', 'pcap', '-w', byDisplay);

  const ours = readPcap(file);
  assertSameRecords(ours, readPcap(byBpf), `tcpdump ${bpf}`);
  assertSameRecords(ours, readPcap(byDisplay), `tshark ${display}`);
  assert.ok(ours.length > 0, `${file} is empty`);

  // lbcap's own words must select the same again.
  const own = `${scratch}/${label.name}.own.pcap`;
  await outputOf('tcpdump', '-Z', 'root', '-r', all, '-w', own, label.filters.bpf);
  assertSameRecords(ours, readPcap(own), `lbcap's own ${label.filters.bpf}`);
  const shown = await outputOf(
    ...(['tshark', '-n', '-r', all, '-Y', label.filters.wireshark] as const),
    ...(['-T', 'fields', '-e', 'frame.number'] as const),
  );
  assert.equal(lineCount(shown), ours.length, label.filters.wireshark);

  const bytes = ours.reduce((sum, { originalLength }) => sum + originalLength, 0);
  assert.deepEqual({ packets: label.packets, bytes: label.bytes }, { packets: ours.length, bytes });
  assert.deepEqual(await capinfos(file), { packets: ours.length, bytes });
  assert.deepEqual(await readByPcapParser(file), { packets: ours.length, bytes });
}

/** Asserts that the file is what the filter selects of `all`, timestamps and all, to the byte. */
export async function assertIdentical(file: string, expected: Expectation): Promise<void> {
  const selected = `${expected.scratch}/selected.pcap`;
  await outputOf('tcpdump', '-Z', 'root', '-r', expected.all, '-w', selected, expected.bpf);
  // 24 is the size of the file header, which may differ: a snaplen is each program's own.
  assert.ok(readFileSync(file).subarray(24).equals(readFileSync(selected).subarray(24)), file);
}

function assertSameRecords(ours: PcapRecord[], theirs: PcapRecord[], what: string): void {
  assert.equal(ours.length, theirs.length, `packets, against ${what}`);
  const displaced = ours.filter((record, i) => !record.data.equals(theirs[i].data)).length;
  assert.ok(displaced <= ours.length / 20, `${displaced} packets stand elsewhere in ${what}`);

  const [mine, its] = [byDirection(ours), byDirection(theirs)];
  let apart = 0;
  for (let i = 0; i < mine.length; i++) {
    const [a, b] = [mine[i], its[i]];
    if (a.originalLength !== b.originalLength || !a.data.equals(b.data))
      assert.deepEqual(a, b, `a packet differs from ${what}`);
    const microseconds = Math.abs((a.seconds - b.seconds) * 1e6 + a.microseconds - b.microseconds);
    if (microseconds > 5) apart += 1;
    assert.ok(microseconds < 100_000, `a packet is ${microseconds} us off ${what}`);
  }
  // Copies into other rings and interrupts come between two stamps of a packet, but not always.
  assert.ok(apart <= mine.length / 2, `${apart} of ${mine.length} timestamps differ from ${what}`);
}

/**
 * The same packets, each direction of each connection by itself, in its order. Two processors may
 * hand a segment and the answer to another to two captures in different order; within a direction
 * the order is one.
 */
function byDirection(records: readonly PcapRecord[]): PcapRecord[] {
  const directions = new Map<string, PcapRecord[]>();
  for (const record of records) {
    // Addresses and ports, behind an Ethernet header of 14 bytes and no IP options.
    const isIpv6 = record.data.readUInt16BE(12) === 0x86dd;
    const key = record.data.toString('hex', isIpv6 ? 22 : 26, isIpv6 ? 58 : 38);
    const known = directions.get(key);
    if (known === undefined) directions.set(key, [record]);
    else known.push(record);
  }
  const keys = [...directions.keys()].sort();
  return keys.flatMap((key) => directions.get(key) ?? []);
}

async function capinfos(file: string): Promise<{ packets: number; bytes: number }> {
  const table = await outputOf('capinfos', '-T', '-r', '-m', '-M', '-c', '-d', file);
  const [packets, bytes] = table.trim().split(',').slice(-2).map(Number);
  return { packets: packets ?? NaN, bytes: bytes ?? NaN };
}

function readByPcapParser(file: string): Promise<{ packets: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    let packets = 0;
    let bytes = 0;
    parse(file)
      .on('packet', ({ header }) => {
        packets += 1;
        bytes += header.originalLength;
      })
      .on('error', reject)
      .on('end', () => resolve({ packets, bytes }));
  });
}

function lineCount(text: string): number {
  return text.split('\n').length - 1;
}
