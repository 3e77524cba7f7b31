import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concat, ethernet, family, ipv4, ipv6, record, sll, udp } from '../fixtures/frames.js';
import { Classifier, type PacketObserver } from '../src/classify.js';
import { countOf } from '../src/label-counters.js';
import { parseLabels } from '../src/labels/parse.js';
import { compileLookup } from '../src/labels/lookup.js';
import { createArena } from '../src/packet/arena.js';
import type { Batch } from '../src/packet/batch.js';
import { Cursors, listedWidth } from '../src/packet/cursors.js';
import { plainWalkSize } from '../src/plain-walk.js';
import { linkTypes } from '../src/packet/link-layer.js';
import { directions } from '../src/runs.js';
import { fuzz } from './fuzz/fuzz.js';

const labels = parseLabels(['a=127.0.0.2', 'b=127.0.0.3', 'many=127.0.1.0/24', 'six=::2'], null);
const lookup = compileLookup(labels);
const labelNumbers = new Map([
  ['127.0.0.2', 0],
  ['127.0.0.3', 1],
  ['127.0.1.9', 2],
  ['::2', 3],
]);
const addresses4 = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.1.9', '200.1.2.3', '0.0.0.0'];
const addresses6 = ['::1', '::2'];

/** Who sends to whom, and how the packet is: most are plain, and many in a row are of the same two. */
interface Sent {
  readonly ends: readonly [string, string];
  readonly shape: 'plain' | 'options' | 'no length' | 'arp' | 'garbage' | 'cut';
  readonly size: number;
  /** Of the record, beyond what is captured. */
  readonly longer: number;
}

const ends = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constantFrom(...addresses4), fc.constantFrom(...addresses4)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...addresses6), fc.constantFrom(...addresses6)),
  },
);
/** Payload of the longest packets, bytes. */
const longest = 30_000;
const row: fc.Arbitrary<Sent[]> = fc
  .tuple(
    ends,
    fc.array(
      fc.record({
        back: fc.boolean(),
        shape: fc.oneof(
          { weight: 30, arbitrary: fc.constant('plain' as const) },
          {
            weight: 1,
            arbitrary: fc.constantFrom(
              ...(['options', 'no length', 'arp', 'garbage', 'cut'] as const),
            ),
          },
        ),
        size: fc.oneof(
          { weight: 9, arbitrary: fc.nat(60) },
          { weight: 1, arbitrary: fc.constantFrom(1500, 9000, longest) },
        ),
        longer: fc.constantFrom(0, 0, 0, 0, 7, 3_000_000, 0xf000_0000),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  )
  .map(([[one, other], packets]) =>
    packets.map(({ back, ...rest }) => ({ ...rest, ends: back ? [other, one] : [one, other] })),
  );
const conversation = fc.array(row, { maxLength: 12 }).map((rows) => rows.flat());
/** More than are read in one go. */
const long = fc.noShrink(
  fc.array(row, { minLength: 400, maxLength: 450 }).map((rows) => rows.flat()),
);

const links = {
  ethernet: { linkType: linkTypes.ETHERNET, frame: ethernet },
  null: {
    linkType: linkTypes.NULL,
    frame: (type: number, packet: Uint8Array) => family(type === 0x86dd ? 30 : 2, true, packet),
  },
  raw: { linkType: linkTypes.RAW, frame: (_type: number, packet: Uint8Array) => packet },
  sll: { linkType: linkTypes.LINUX_SLL, frame: sll },
} as const;

function packetOf({ ends: [from, to], shape, size }: Sent, link: keyof typeof links): Uint8Array {
  const { frame } = links[link];
  const is6 = from.includes(':');
  const payload = udp(4000, 9092, 8 + size);
  const packet = is6
    ? ipv6(from, to, payload)
    : ipv4(from, to, payload, shape === 'options' ? { options: new Uint8Array(8) } : {});
  if (shape === 'no length' && !is6) packet.set([0, 0], 2);
  const whole = frame(is6 ? 0x86dd : 0x0800, packet);
  if (shape === 'arp') return frame(0x0806, new Uint8Array(28));
  if (shape === 'garbage') return whole.map((byte, i) => byte ^ (i * 37 + 11));
  // Behind the addresses' first byte.
  return shape === 'cut'
    ? whole.subarray(0, whole.length - payload.length - (is6 ? 25 : 5))
    : whole;
}

const options = fc.record({
  link: fc.constantFrom('ethernet', 'null', 'raw', 'sll'),
  bigEndian: fc.boolean(),
  keepOthers: fc.boolean(),
  directed: fc.boolean(),
  once: fc.boolean(),
  maximumRun: fc.constantFrom(300, 5000, 262_144),
  /** Behind one another, in blocks, or records that were made of blocks. */
  kind: fc.constantFrom('pcap', 'blocks', 'apart'),
  /** Bytes of the last record that are missing. */
  missing: fc.constantFrom(0, 1, 20, 70),
});
type Options = typeof options extends fc.Arbitrary<infer T> ? T : never;

/** Some records, and by far not all. Bytes. */
const roomSize = 400;

/** What makes a classifier look at packet after packet. */
const observer: PacketObserver = {
  begin: () => undefined,
  end: () => undefined,
  packet: () => 0,
};

/** In rows or packet by packet; and either way appended where a sink has room, or listed, which the long ones are. */
const ways = [
  ...(['rows', 'each', 'rows appended', 'each appended'] as const),
  ...(['rows listed', 'each listed'] as const),
];
type Way = (typeof ways)[number];

/** Batches of which something was listed. */
let batchesListed = 0;

function classified(sent: readonly Sent[], given: Options, way: Way) {
  const { link, bigEndian, kind } = given;
  const blocks = kind !== 'pcap';
  const lead = blocks ? 12 : 0;
  const units = sent.map((packet) => {
    const data = packetOf(packet, link);
    const one = record({ data, originalLength: (data.length + packet.longer) >>> 0 }, bigEndian);
    if (!blocks) return one;
    const padding = -data.length & 3;
    const block = concat(new Uint8Array(lead), one, new Uint8Array(padding + 4));
    new DataView(block.buffer).setUint32(4, block.length, !bigEndian);
    return block;
  });
  const all = concat(...units);
  const { arena, regions } = createArena([
    plainWalkSize(labels.length, lookup),
    Math.max(all.length, 1),
    Math.max(sent.length * 4, 1),
    Cursors.sizeOf(labels.length + 1),
    (labels.length + 1) * roomSize,
  ]);
  const { start } = regions[1];
  arena.bytes.set(all, start);
  const missing =
    blocks || sent.length === 0 ? 0 : Math.min(given.missing, units.at(-1)?.length ?? 0);
  let at = start;
  const starts = new Int32Array(arena.bytes.buffer, regions[2].start, units.length);
  starts.set(
    units.map((unit) => {
      at += unit.length;
      return at - unit.length + lead;
    }),
  );
  const format = { linkType: links[link].linkType, bigEndian, nanoseconds: false };
  const batch: Batch = blocks
    ? {
        format: kind === 'blocks' ? { ...format, blocks: { tick: 1e-6, offset: 0 } } : format,
        start,
        end: at,
        index: { starts, count: starts.length },
      }
    : { format, start, end: at - missing, unchecked: true };
  const classifier = new Classifier({
    arena,
    region: regions[0],
    lookup,
    labels: labels.length,
    keepOthers: given.keepOthers,
    maximumRun: given.maximumRun,
    directed: given.directed,
    once: given.once,
    observer: way.startsWith('each') ? observer : undefined,
  });
  const outputs = new Map<string, { hash: Hash; packets: number }>();
  const take = (key: string, from: number, to: number, packets: number) => {
    const taken = outputs.get(key) ?? { hash: createHash('sha256'), packets: 0 };
    outputs.set(key, taken);
    taken.hash.update(arena.bytes.subarray(from, to));
    taken.packets += packets;
  };
  const cursors = new Cursors(labels.length + 1, { arena, region: regions[3] });
  const roomOf = (output: number) => regions[4].start + output * roomSize;
  /** Up to here each output's room was taken. */
  const taken: number[] = [];
  const empty = (output: number) => {
    const packets = cursors.packets[output];
    if (packets > 0) take(`${output} 0`, taken[output], cursors.next[output], packets);
    cursors.packets[output] = 0;
    cursors.next[output] = taken[output] = roomOf(output);
    cursors.limit[output] = roomOf(output) + roomSize;
  };
  const lists = way.endsWith('listed');
  const appends = lists || way.endsWith('appended');
  // In order: what stands before a listed run, then the run.
  const takeListed = () => {
    const { list } = cursors;
    const end = 1 + list[0] * listedWidth;
    list[0] = 0;
    for (let at = 1; at < end; at += listedWidth) {
      const [output, place, from, to, packets] = list.subarray(at, at + listedWidth);
      take(`${output} 0`, taken[output], place, 0);
      taken[output] = place;
      take(`${output} 0`, from, to, packets);
    }
    return end > 1;
  };
  let listed = false;
  const walked = classifier.classify(batch, {
    cursors: appends ? cursors : null,
    listLong: lists,
    append(output, from, to, packets, direction) {
      if (takeListed()) listed = true;
      if (appends) empty(output);
      take(`${output} ${direction}`, from, to, packets);
      assert.ok(to - from <= Math.max(given.maximumRun, 64 * 1024 + longest + 300));
    },
  });
  if (takeListed()) listed = true;
  assert.ok(lists || !listed);
  if (listed) batchesListed++;
  for (let output = 0; output <= labels.length; output++) empty(output);
  classifier.assertConservation();
  return {
    walked: blocks ? 0 : walked,
    last: classifier.lastRecord,
    outputs: new Map(
      [...outputs].map(([key, { hash, packets }]) => [key, { packets, bytes: hash.digest('hex') }]),
    ),
    counters: [...classifier.counts],
    packets: classifier.packets,
    bytes: classifier.bytes,
    labelled: classifier.labelledPackets,
    unclassified: classifier.unclassified,
    handedOn: classifier.handedOn,
    whole: sent.slice(0, missing > 0 ? -1 : undefined),
  };
}

function agree(sent: readonly Sent[], given: Options): void {
  const inRows = classified(sent, given, 'rows');
  for (const way of ways) assert.deepEqual(inRows, classified(sent, given, way), way);

  // And both with who was told to send what.
  const plain = inRows.whole.filter(({ shape }) => !['arp', 'garbage', 'cut'].includes(shape));
  const isPlain = plain.length === inRows.whole.length;
  const sentBy = labels.map((_, label) =>
    plain.filter((p) => labelNumbers.get(p.ends[0]) === label),
  );
  const sentTo = labels.map((_, label) =>
    plain.filter((p) => labelNumbers.get(p.ends[1]) === label),
  );
  if (!isPlain) return;
  assert.equal(inRows.packets, plain.length);
  const counted = (which: countOf) =>
    labels.map((_, label) => inRows.counters[label * countOf.size + which]);
  assert.deepEqual(
    counted(countOf.outPackets),
    sentBy.map((packets) => packets.length),
  );
  assert.deepEqual(
    counted(countOf.inPackets),
    sentTo.map((packets) => packets.length),
  );
  assert.equal(
    inRows.outputs.get(`0 ${directions.outbound}`)?.packets ?? 0,
    given.directed ? sentBy[0].filter(({ ends }) => ends[0] !== ends[1]).length : 0,
  );
}

describe('packets in rows and packet by packet', () => {
  it('are counted and handed on alike', async () => {
    await fuzz(
      'rows',
      600,
      fc.asyncProperty(conversation, options, (sent, given) => {
        agree(sent, given);
        return Promise.resolve();
      }),
    );
  });

  it('beyond what is read in one go, too', async () => {
    await fuzz(
      'long-rows',
      6,
      fc.asyncProperty(long, options, (sent, given) => {
        agree(sent, given);
        return Promise.resolve();
      }),
    );
    assert.ok(batchesListed > 10, `something was listed ${batchesListed} times`);
  });
});
