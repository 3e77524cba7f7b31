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
