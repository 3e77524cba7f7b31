import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  concat,
  ethernet,
  family,
  ipv4,
  ipv6,
  pcapFile,
  sll,
  sll2,
  udp,
  type Bytes,
} from '../../fixtures/frames.js';
import { notIp, unreadable } from '../../src/packet/ether-type.js';
import { linkLayerOf, linkTypes } from '../../src/packet/link-layer.js';

const v4 = ipv4('127.0.0.2', '127.0.0.1', udp(4000, 9092));
const v6 = ipv6('::1', '::1', udp(4000, 9092));

interface Example {
  readonly name: string;
  readonly linkType: number;
  readonly data: Bytes;
  /** Bytes before the IP header. */
  readonly offset: number;
}

const examples: Example[] = [
  { name: 'Ethernet, IPv4', linkType: 1, data: ethernet(0x0800, v4), offset: 14 },
  { name: 'Ethernet, IPv6', linkType: 1, data: ethernet(0x86dd, v6), offset: 14 },
  { name: 'one VLAN tag', linkType: 1, data: ethernet(0x0800, v4, [0x8100]), offset: 18 },
  { name: 'QinQ', linkType: 1, data: ethernet(0x86dd, v6, [0x88a8, 0x8100]), offset: 22 },
  { name: 'SLL', linkType: 113, data: sll(0x0800, v4), offset: 16 },
  { name: 'SLL, IPv6', linkType: 113, data: sll(0x86dd, v6), offset: 16 },
  { name: 'SLL2', linkType: 276, data: sll2(0x0800, v4), offset: 20 },
  { name: 'SLL2, IPv6', linkType: 276, data: sll2(0x86dd, v6), offset: 20 },
  { name: 'RAW, IPv4', linkType: 101, data: v4, offset: 0 },
  { name: 'RAW, IPv6', linkType: 101, data: v6, offset: 0 },
  { name: 'RAW numbered 12', linkType: 12, data: v4, offset: 0 },
  { name: 'IPV4', linkType: 228, data: v4, offset: 0 },
  { name: 'IPV6', linkType: 229, data: v6, offset: 0 },
  { name: 'LOOP', linkType: 108, data: family(2, false, v4), offset: 4 },
  { name: 'LOOP, IPv6 of OpenBSD', linkType: 108, data: family(24, false, v6), offset: 4 },
];
/** SNAP: IEEE 802.2 with an EtherType. */
const snap = (type: number, payload: Bytes): Bytes =>
  concat(Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0, type >> 8, type & 0xff), payload);
const before = (header: readonly number[], payload: Bytes): Bytes =>
  concat(Uint8Array.from(header), payload);
const zeros = (count: number): number[] => new Array<number>(count).fill(0);
/** 802.11 data frame to an access point; QoS adds two bytes. */
const wlan = (payload: Bytes, qos = false): Bytes =>
  before([qos ? 0x88 : 0x08, 0x01, ...zeros(22 + (qos ? 2 : 0))], snap(0x0800, payload));

examples.push(
  {
    name: 'Ethernet, SNAP',
    linkType: 1,
    data: ethernet(8 + v4.length, snap(0x0800, v4)),
    offset: 22,
  },
  {
    name: 'Ethernet, MPLS',
    linkType: 1,
    data: ethernet(0x8847, before([0, 1, 0, 64, 0, 2, 1, 64], v4)),
    offset: 22,
  },
  {
    name: 'Ethernet, PPPoE',
    linkType: 1,
    data: ethernet(0x8864, before([0x11, 0, 0, 1, 0, 38, 0, 0x21], v4)),
    offset: 22,
  },
  { name: 'PPP with HDLC framing', linkType: 9, data: before([0xff, 3, 0, 0x21], v4), offset: 4 },
  { name: 'PPP, IPv6', linkType: 9, data: before([0, 0x57], v6), offset: 2 },
  { name: 'PPP in HDLC', linkType: 50, data: before([0xff, 3, 0, 0x21], v4), offset: 4 },
  {
    name: 'PPPoE alone',
    linkType: 51,
    data: before([0x11, 0, 0, 1, 0, 38, 0, 0x21], v4),
    offset: 8,
  },
  { name: 'ATM, SNAP', linkType: 100, data: snap(0x0800, v4), offset: 8 },
  { name: 'Cisco HDLC', linkType: 104, data: before([0x0f, 0, 0x08, 0], v4), offset: 4 },
  { name: 'Frame Relay', linkType: 107, data: before([0x18, 0x41, 3, 0xcc], v4), offset: 4 },
  {
    name: 'Frame Relay, SNAP',
    linkType: 107,
    data: before([0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 0x08, 0], v4),
    offset: 10,
  },
  { name: 'SunATM', linkType: 123, data: before([2, 0, 0, 5], snap(0x0800, v4)), offset: 12 },
  { name: 'PPP with direction', linkType: 204, data: before([0, 0xff, 3, 0, 0x21], v4), offset: 5 },
  { name: '802.11', linkType: 105, data: wlan(v4), offset: 32 },
  { name: '802.11, QoS', linkType: 105, data: wlan(v4, true), offset: 34 },
  {
    name: 'radiotap',
    linkType: 127,
    data: before([0, 0, 9, 0, 2, 0, 0, 0, 0], wlan(v4)),
    offset: 41,
  },
  {
    name: 'radiotap, padded',
    linkType: 127,
    data: before(
      [0, 0, 17, 0, 3, 0, 0, 0, ...zeros(8), 0x20],
      before([0x88, 1, ...zeros(24), 0, 0], snap(0x0800, v4)),
    ),
    offset: 53,
  },
  {
    name: 'AVS',
    linkType: 163,
    data: before([0x80, 0x21, 0x10, 1, 0, 0, 0, 64, ...zeros(56)], wlan(v4)),
    offset: 96,
  },
  { name: 'PPI', linkType: 192, data: before([0, 0, 8, 0, 105, 0, 0, 0], wlan(v4)), offset: 40 },
  {
    name: 'Token Ring',
    linkType: 6,
    data: before([0x10, 0x40, ...zeros(12)], snap(0x0800, v4)),
    offset: 22,
  },
  {
    name: 'Token Ring, routed',
    linkType: 6,
    data: before(
      [0x10, 0x40, ...zeros(6), 0x80, ...zeros(5), 0x06, 0x30, 0, 0x11, 0, 0x20],
      snap(0x0800, v4),
    ),
    offset: 28,
  },
  { name: 'FDDI', linkType: 10, data: before([0x50, ...zeros(12)], snap(0x0800, v4)), offset: 21 },
  { name: 'SLIP', linkType: 8, data: before([1, ...zeros(15)], v4), offset: 16 },
  {
    name: 'IP over Fibre Channel',
    linkType: 122,
    data: before(zeros(16), snap(0x0800, v4)),
    offset: 24,
  },
  { name: 'FireWire', linkType: 138, data: before([...zeros(16), 0x08, 0], v4), offset: 18 },
  {
    name: 'netfilter log',
    linkType: 239,
    data: before([2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 0, 0, v4.length + 4, 0, 9, 0], v4),
    offset: 16,
  },
  { name: 'ipnet', linkType: 226, data: before([1, 2, ...zeros(22)], v4), offset: 24 },
  {
    name: 'IP over InfiniBand',
    linkType: 242,
    data: before([...zeros(40), 0x08, 0, 0, 0], v4),
    offset: 44,
  },
  {
    name: 'ERF',
    linkType: 197,
    data: before(
      [...zeros(8), 2, 4, 0, 16 + 2 + 14 + v4.length, 0, 0, 0, 14 + v4.length, 0, 0],
      ethernet(0x0800, v4),
    ),
    offset: 32,
  },
);
for (const little of [true, false]) {
  const order = little ? 'little-endian' : 'big-endian';
  examples.push({
    name: `NULL, IPv4, ${order}`,
    linkType: 0,
    data: family(2, little, v4),
    offset: 4,
  });
  for (const value of [24, 28, 30]) {
    examples.push({
      name: `NULL, IPv6 as ${value}, ${order}`,
      linkType: 0,
      data: family(value, little, v6),
      offset: 4,
    });
  }
}

/** What lbcap says, as an offset from the packet's start or one of the two refusals. */
function find(linkType: number, data: Bytes): number {
  const layer = linkLayerOf(linkType);
  assert.ok(layer);
  // Before and behind the packet stands what would be mistaken for it if a read strayed.
  const around = concat(new Uint8Array(64).fill(0x45), data, new Uint8Array(64).fill(0x45));
  const found = layer.findIp(new DataView(around.buffer), 64, 64 + data.length);
  return found < 0 ? found : found - 64;
}

describe('link layers', () => {
  for (const { name, linkType, data, offset } of examples) {
    it(`finds the IP header behind ${name}`, () => {
      assert.equal(find(linkType, data), offset);
    });

    it(`never reads beyond a cut packet: ${name}`, () => {
      for (let length = 0; length < data.length; length++) {
        const found = find(linkType, data.subarray(0, length));
        if (length <= offset) assert.equal(found, unreadable, `${length} bytes`);
        else assert.equal(found, offset, `${length} bytes`);
      }
    });
  }

  it('tells other protocols from damage', () => {
    assert.equal(find(linkTypes.ETHERNET, ethernet(0x0806, new Uint8Array(28))), notIp);
    assert.equal(find(linkTypes.NULL, family(7, true, new Uint8Array(28))), notIp);
    assert.equal(find(linkTypes.ETHERNET, ethernet(0x0800, v6)), unreadable, 'a lying EtherType');
    assert.equal(find(linkTypes.IPV4, v6), unreadable);
    assert.equal(find(linkTypes.RAW, Uint8Array.of(0x12)), unreadable);
  });

  it('agrees with tshark on every link type', () => {
    const directory = mkdtempSync(join(tmpdir(), 'lbcap-'));
    try {
      const byType = new Map<number, Example[]>();
      for (const example of examples) {
        byType.set(example.linkType, [...(byType.get(example.linkType) ?? []), example]);
      }
      // SLIP and ipnet: tshark 4.0 shows nothing of what is inside the one, wants more of the other.
      for (const linkType of [8, 226]) byType.delete(linkType);
      for (const [linkType, list] of byType) {
        const path = join(directory, `${linkType}.pcap`);
        writeFileSync(
          path,
          pcapFile(
            list.map(({ data }) => ({ data })),
            { linkType },
          ),
        );
        const lines = execFileSync(
          'tshark',
          ['-r', path, '-T', 'fields', '-e', 'ip.src', '-e', 'ipv6.src'],
          { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
        );
        assert.deepEqual(
          lines
            .trimEnd()
            .split('\n')
            .map((line) => line.trim()),
          list.map(({ data, offset }) => (data[offset] >> 4 === 4 ? '127.0.0.2' : '::1')),
          `link type ${linkType}`,
        );
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
