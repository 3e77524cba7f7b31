/** Where a row of plain packets ends, and what is none: the same as packet by packet. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat, ethernet, ipv4, record, udp, type Bytes } from '../fixtures/frames.js';
import { Classifier, type PacketObserver } from '../src/classify.js';
import { compileLookup } from '../src/labels/lookup.js';
import { parseLabels } from '../src/labels/parse.js';
import { createArena } from '../src/packet/arena.js';
import { linkTypes } from '../src/packet/link-layer.js';
import { plainWalkSize } from '../src/plain-walk.js';

const labels = parseLabels(['a=127.0.0.2'], null);
const lookup = compileLookup(labels);

const observer: PacketObserver = { begin: () => undefined, end: () => undefined, packet: () => 0 };

interface Outcome {
  readonly walked: number;
  readonly runs: string[];
  readonly counts: number[];
  readonly packets: number;
  readonly bytes: number;
  readonly unclassified: number;
}

/** @param captures one batch after the other, each of whole records */
function classified(captures: readonly Bytes[], bigEndian: boolean, inRows: boolean): Outcome[] {
  const longest = Math.max(...captures.map(({ length }) => length));
  const { arena, regions } = createArena([plainWalkSize(labels.length, lookup), longest]);
  const [region, { start }] = regions;
  const classifier = new Classifier({
    arena,
    region,
    lookup,
    labels: labels.length,
    keepOthers: true,
    maximumRun: 262_144,
    observer: inRows ? undefined : observer,
  });
  const format = { linkType: linkTypes.ETHERNET, bigEndian, nanoseconds: false };
  return captures.map((bytes) => {
    arena.bytes.set(bytes, start);
    const runs = new Map<number, number>();
    const batch = { format, start, end: start + bytes.length, unchecked: true } as const;
    const walked = classifier.classify(batch, {
      append(output, _start, _end, packets) {
        runs.set(output, (runs.get(output) ?? 0) + packets);
      },
    });
    const { packets, bytes: all, unclassified } = classifier;
    return {
      walked: walked - start,
      runs: [...runs].map(([output, count]) => `${output}: ${count}`).sort(),
      counts: [...classifier.counts],
      packets,
      bytes: all,
      unclassified,
    };
  });
}

function alike(captures: readonly Bytes[], bigEndian: boolean): Outcome[] {
  const inRows = classified(captures, bigEndian, true);
  assert.deepEqual(inRows, classified(captures, bigEndian, false));
  return inRows;
}

const plain = ethernet(0x0800, ipv4('127.0.0.1', '127.0.0.2', udp(5000, 9092, 30)));
const answer = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(9092, 5000, 30)));

for (const bigEndian of [false, true]) {
  const recordOf = (data: Bytes, more: { captured?: number; originalLength?: number } = {}) => {
    const { captured, originalLength } = more;
    const bytes = record({ data, originalLength: originalLength ?? data.length }, bigEndian);
    if (captured !== undefined) {
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, captured, !bigEndian);
    }
    return bytes;
  };
  const rowOf = (count: number) =>
    concat(...Array.from({ length: count }, (_, i) => recordOf(i % 3 === 1 ? answer : plain)));

  describe(`rows of plain packets, ${bigEndian ? 'big' : 'little'}-endian`, () => {
    it('are taken whole, however many packets a conversation has, after a longer one of the same', () => {
      // What a longer row left behind must not be taken for a part of this one.
      const sizes = [1030, ...Array.from({ length: 200 }, (_, i) => i + 1), 1023, 1024, 1025, 2049];
      const outcomes = alike(sizes.map(rowOf), bigEndian);
      let packets = 0;
      for (const [i, count] of sizes.entries()) {
        packets += count;
        assert.equal(outcomes[i].packets, packets);
        assert.deepEqual(outcomes[i].runs, [`0: ${count}`]);
      }
      assert.equal(outcomes.at(-1)?.bytes, packets * plain.length);
    });

    it('hold no packet whose total length cannot be', () => {
      for (let totalLength = 0; totalLength <= 300; totalLength++) {
        const data = ethernet(
          0x0800,
          ipv4('127.0.0.1', '127.0.0.2', udp(1, 2, 30), { totalLength }),
        );
        const [outcome] = alike([concat(rowOf(3), recordOf(data), rowOf(2))], bigEndian);
        assert.equal(outcome.unclassified, totalLength > 0 && totalLength < 20 ? 1 : 0);
        assert.equal(outcome.packets, 6);
      }
    });

    it('end at a captured length that cannot be, however it looks as a signed number', () => {
      const room = new Uint8Array(600_000);
      const before = rowOf(3);
      const cannotBe = [262_145, 300_000, 2 ** 31 - 1, 2 ** 31 - 17, 2 ** 31 - 16, 2 ** 31];
      cannotBe.push(2 ** 31 + 20, 2 ** 31 + 34, 2 ** 32 - 16, 2 ** 32 - 1, 2 ** 32 - 50);
      for (const captured of cannotBe) {
        const bytes = concat(before, recordOf(plain, { captured }), room);
        const [outcome] = alike([bytes], bigEndian);
        assert.equal(outcome.walked, before.length, `${captured}`);
        assert.equal(outcome.packets, 3);
      }
      const long = concat(plain, new Uint8Array(262_144 - plain.length));
      const [outcome] = alike([concat(before, recordOf(long), rowOf(1))], bigEndian);
      assert.equal(outcome.packets, 5, 'the longest there can be');
    });

    it('count any length on the wire', () => {
      const lengths = [0, 2 ** 20, 2 ** 20 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
      for (const originalLength of lengths) {
        const one = recordOf(plain, { originalLength });
        const bytes = concat(...new Array<Bytes>(1500).fill(one));
        const [outcome] = alike([bytes], bigEndian);
        assert.equal(outcome.bytes, 1500 * originalLength);
      }
    });
  });
}
