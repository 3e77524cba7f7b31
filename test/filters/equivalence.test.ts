/**
 * The proof that a label means the same in three languages: lbcap's lookup, libpcap's filter as
 * tcpdump runs it and Wireshark's as tshark runs it; and where it does not, by their design.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pcapFile } from '../../fixtures/frames.js';
import { randomLabels } from '../../fixtures/random-labels.js';
import { randomPackets, type PacketKind } from '../../fixtures/random-packets.js';
import { createRandom } from '../../fixtures/random.js';
import { bpfFilter } from '../../src/filters/bpf.js';
import { captureFilter } from '../../src/filters/capture.js';
import { displayFilter } from '../../src/filters/wireshark.js';
import type { Label } from '../../src/labels/label.js';
import { parseLabels } from '../../src/labels/parse.js';
import { lacking } from '../requirements.js';
import {
  selectedByClassifier,
  selectedByLookup,
  selectedByTcpdump,
  selectedByTshark,
} from './selection.js';

const packets = randomPackets(createRandom(20_241), 6000);
/** The second of each timestamp is the packet's index. */
const capture = pcapFile(packets.map(({ frame }, seconds) => ({ seconds, data: frame })));
let directory: string;
let file: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lbcap-equivalence-'));
  file = join(directory, 'all.pcap');
  await writeFile(file, capture);
});

after(() => rm(directory, { recursive: true }));

/** Whatever the language, these differ; see the last tests. */
const alwaysApart: readonly PacketKind[] = ['arp', 'vlan', 'icmp-error'];
/** These only where a label has a port. */
const apartWithPorts: readonly PacketKind[] = ['first-fragment', 'later-fragment', 'extension'];

/** Only packets about which the three languages mean the same. */
function common(indices: readonly number[], labels: readonly Label[]): number[] {
  const ported = labels.some(({ endpoints }) => endpoints.some(({ port }) => port !== null));
  const apart = ported ? [...alwaysApart, ...apartWithPorts] : alwaysApart;
  return indices.filter((index) => !apart.includes(packets[index].kind));
}

function ofKind(indices: readonly number[], ...kinds: PacketKind[]): number[] {
  return indices.filter((index) => kinds.includes(packets[index].kind));
}

/** Packets of a kind, as a check that a test looks at something. */
function some(indices: readonly number[]): readonly number[] {
  assert.ok(indices.length > 0, 'the generated packets hold none of these');
  return indices;
}

const needs = { skip: lacking('tcpdump', 'tshark') };

describe('the very same packets', needs, () => {
  it("for lbcap's classifier, 200 label sets, whatever the kind of packet", () => {
    const random = createRandom(6);
    for (let round = 0; round < 200; round += 1) {
      const labels = randomLabels(random, 1 + random.integer(8), round % 2 === 1);
      const selected = selectedByClassifier(capture, labels);
      assert.deepEqual(selected, selectedByLookup(packets, labels), bpfFilter(labels));
    }
  });

  it('for tcpdump, 120 label sets', async () => {
    const random = createRandom(7);
    for (let round = 0; round < 120; round += 1) {
      const labels = randomLabels(random, 1 + random.integer(8), round % 2 === 1);
      const expected = common(selectedByLookup(packets, labels), labels);
      const filter = bpfFilter(labels);
      const selected = common(await selectedByTcpdump(file, filter), labels);
      assert.deepEqual(selected, expected, filter);
    }
  });

  it('for tshark, 14 label sets', async () => {
    const random = createRandom(8);
    for (let round = 0; round < 14; round += 1) {
      const labels = randomLabels(random, 1 + random.integer(8), round % 2 === 1);
      const expected = common(selectedByLookup(packets, labels), labels);
      const filter = displayFilter(labels);
      const selected = common(await selectedByTshark(file, filter), labels);
      assert.deepEqual(selected, expected, filter);
    }
  });

  it("for a kernel filter and a user's own, never fewer", async () => {
    const random = createRandom(10);
    for (const own of ['tcp', 'udp or sctp', 'vlan', 'tcp or vlan', 'ip6 and not icmp6', 'arp']) {
      const labels = randomLabels(random, 6, true);
      const passed = new Set(await selectedByTcpdump(file, own));
      const wanted = selectedByLookup(packets, labels).filter((index) => passed.has(index));
      const filter = captureFilter(labels, own, false);
      assert.ok(filter !== null);
      const selected = new Set(await selectedByTcpdump(file, filter));
      assert.deepEqual(
        wanted.filter((index) => !selected.has(index)),
        [],
        filter,
      );
    }
  });

  it('for a kernel filter, never fewer, with coarsened label sets too', async () => {
    const random = createRandom(9);
    for (let round = 0; round < 60; round += 1) {
      const most = round % 3 === 0 ? 90 : 1 + random.integer(8);
      const labels = randomLabels(random, most, round % 2 === 1);
      const filter = captureFilter(labels, null, false);
      assert.ok(filter !== null);
      const selected = new Set(await selectedByTcpdump(file, filter));
      const missed = selectedByLookup(packets, labels).filter((index) => !selected.has(index));
      assert.deepEqual(missed, [], filter);
    }
  });
});

describe('where the languages differ by design', needs, () => {
  const plain = parseLabels(['a=127.0.0.0/28,fd00::/124'], null);
  const ported = parseLabels(['a=127.0.0.0/28:9092,[fd00::/124]:9092'], null);

  it('host takes ARP and misses VLAN tags; ip.addr is the other way round, like lbcap', async () => {
    const own = selectedByLookup(packets, plain);
    const bpf = await selectedByTcpdump(file, bpfFilter(plain));
    const display = await selectedByTshark(file, displayFilter(plain));
    some(ofKind(bpf, 'arp'));
    assert.deepEqual(ofKind(display, 'arp'), []);
    assert.deepEqual(ofKind(own, 'arp'), []);
    assert.deepEqual(ofKind(bpf, 'vlan'), []);
    assert.deepEqual(ofKind(display, 'vlan'), some(ofKind(own, 'vlan')));
  });

  it('ip.addr also finds a header quoted inside an ICMP error; host and lbcap do not', async () => {
    const own = selectedByLookup(packets, plain);
    const bpf = await selectedByTcpdump(file, bpfFilter(plain));
    const display = await selectedByTshark(file, displayFilter(plain));
    assert.deepEqual(ofKind(bpf, 'icmp-error'), some(ofKind(own, 'icmp-error')));
    const more = ofKind(display, 'icmp-error');
    assert.ok(ofKind(own, 'icmp-error').every((index) => more.includes(index)));
    assert.ok(more.length > ofKind(own, 'icmp-error').length);
  });

  it('the ports of a fragmented datagram are in its first packet, for Wireshark in its last', async () => {
    const own = selectedByLookup(packets, ported);
    const bpf = await selectedByTcpdump(file, bpfFilter(ported));
    const display = await selectedByTshark(file, displayFilter(ported));
    const firsts = some(ofKind(own, 'first-fragment'));
    assert.deepEqual(ofKind(own, 'later-fragment'), []);
    // libpcap does not look behind IPv6's fragment header.
    const firsts4 = firsts.filter((index) => packets[index].ends?.family === 4);
    assert.deepEqual(ofKind(bpf, 'first-fragment', 'later-fragment'), some(firsts4));
    assert.deepEqual(
      ofKind(display, 'first-fragment', 'later-fragment'),
      firsts.map((index) => index + 1),
    );
  });

  it('tshark without reassembly finds the ports where lbcap does', async () => {
    const own = selectedByLookup(packets, ported);
    const options = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'];
    const display = await selectedByTshark(file, displayFilter(ported), options);
    const kinds: PacketKind[] = ['plain', 'vlan', 'first-fragment', 'later-fragment', 'extension'];
    assert.deepEqual(ofKind(display, ...kinds), ofKind(own, ...kinds));
  });

  it('port misses what stands behind IPv6 extension headers; Wireshark and lbcap find it', async () => {
    const own = selectedByLookup(packets, ported);
    const bpf = await selectedByTcpdump(file, bpfFilter(ported));
    const display = await selectedByTshark(file, displayFilter(ported));
    assert.deepEqual(ofKind(bpf, 'extension'), []);
    assert.deepEqual(ofKind(display, 'extension'), some(ofKind(own, 'extension')));
  });
});
