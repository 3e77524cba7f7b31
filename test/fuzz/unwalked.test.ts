/** pcapng whose blocks are walked with their packets, beside the same when an index of them is made first. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concat, ethernet, ipv4, ipv6, udp, type Bytes } from '../../fixtures/frames.js';
import { SectionWriter } from '../../fixtures/pcapng.js';
import { Classifier } from '../../src/classify.js';
import { compileLookup } from '../../src/labels/lookup.js';
import { parseLabels } from '../../src/labels/parse.js';
import { createArenaOf } from '../../src/packet/arena.js';
import { runPipeline } from '../../src/pipeline.js';
import { Cursors, listedWidth } from '../../src/packet/cursors.js';
import { plainWalkSize } from '../../src/plain-walk.js';
import type { Output } from '../../src/sinks/output.js';
import { openCapture } from '../../src/sources/open.js';
import type { Source } from '../../src/sources/source.js';
import { StreamInput } from '../../src/sources/stream-input.js';
import { fileRegionSizes } from '../../src/sources/window.js';
import { change, changed } from './changes.js';
import { fuzz } from './fuzz.js';

const labels = parseLabels(['a=127.0.0.2', 'b=127.0.0.3', 'six=::2'], null);
const lookup = compileLookup(labels);
const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];

/** Of each label, and of the others. */
const outputCount = labels.length + 1;
/** For some records of each. Bytes. */
const roomSize = 3000;

const { arena, regions } = createArenaOf({
  input: fileRegionSizes,
  walk: [plainWalkSize(labels.length, lookup)],
  cursors: [Cursors.sizeOf(outputCount)],
  rooms: [outputCount * roomSize],
});

/** Packets of one interface in a row; and what else there may be. */
const block = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('packets' as const),
      id: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(3)),
      ticks: fc
        .oneof(fc.nat(5_000_000), fc.bigInt(0n, 2n ** 64n - 1n), fc.constant(2n ** 64n - 3n))
        .map(BigInt),
      step: fc.constantFrom(0n, 1n, 999_999n, 1_000_000_000_000n),
      ends: fc.tuple(fc.constantFrom(...addresses), fc.constantFrom(...addresses)),
      sizes: fc.array(fc.oneof(fc.nat(40), fc.constantFrom(1400, 9000)), {
        minLength: 1,
        maxLength: 24,
      }),
    }),
  },
  fc.record({
    kind: fc.constantFrom('simple', 'obsolete', 'statistics', 'six', 'secrets', 'interface'),
  }),
);

const interfaces = fc.array(
  fc.record({
    linkType: fc.constantFrom(1, 1, 101),
    resolution: fc.constantFrom(undefined, 0, 3, 6, 9, 12, 0x8a),
    offset: fc.constantFrom(undefined, undefined, -5n, 2n ** 60n, 2n ** 53n - 1n),
  }),
  { minLength: 1, maxLength: 3 },
);

const section = fc.record({
  bigEndian: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  interfaces,
  blocks: fc.array(block, { maxLength: 12 }),
});
type Section = typeof section extends fc.Arbitrary<infer T> ? T : never;

function written({ bigEndian, interfaces, blocks }: Section): Bytes {
  const w = new SectionWriter(bigEndian);
  const describe = ({ linkType, resolution, offset }: Section['interfaces'][number]) =>
    w.interface(linkType, {
      ...(resolution === undefined ? {} : { resolution }),
      ...(offset === undefined ? {} : { offset }),
    });
  const frame = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.9', udp(1, 2, 20)));
  const parts = blocks.flatMap((each): Bytes[] => {
    if (each.kind !== 'packets') {
      if (each.kind === 'simple') return [w.simple(frame)];
      if (each.kind === 'obsolete') return [w.obsolete(0, 77n, frame)];
      if (each.kind === 'statistics') return [w.statistics(0, 1n)];
      if (each.kind === 'six')
        return [w.enhanced(0, 5n, ethernet(0x86dd, ipv6('::1', '::2', udp(1, 2, 9))))];
      if (each.kind === 'secrets') return [w.secrets('secret')];
      return [describe({ linkType: 1, resolution: 9, offset: undefined })];
    }
    const { id, ticks, step, ends, sizes } = each;
    return sizes.map((size, index) => {
      const [from, to] = size % 2 === 0 ? ends : [ends[1], ends[0]];
      const packet = ipv4(from, to, udp(4000, 9092, 8 + size));
      const data = interfaces[id]?.linkType === 101 ? packet : ethernet(0x0800, packet);
      return w.enhanced(id, BigInt.asUintN(64, ticks + step * BigInt(index)), data);
    });
  });
  return concat(w.header(), ...interfaces.map(describe), ...parts);
}

const options = fc.record({
  blocks: fc.boolean(),
  nanoseconds: fc.boolean(),
  repair: fc.boolean(),
  keepOthers: fc.boolean(),
  directed: fc.boolean(),
  /** Records are appended by whoever walks them; long ones may be listed instead. */
  appends: fc.boolean(),
  lists: fc.boolean(),
  /** Bytes that come at once. */
  chunk: fc.constantFrom(50, 700, 5000),
});
type Options = typeof options extends fc.Arbitrary<infer T> ? T : never;

/** Batches whose blocks nobody had walked. */
let unwalked = 0;

async function split(bytes: Bytes, given: Options, indexed: boolean) {
  const chunks = function* () {
    for (let at = 0; at < bytes.length; at += given.chunk) yield bytes.slice(at, at + given.chunk);
  };
  const input = new StreamInput('stream', Readable.from(chunks(), { objectMode: true }));
  const source = await openCapture(input, arena, regions.input, given);
  const only: Source = new Proxy(source, {
    get(target, name) {
      if (indexed && name === 'nextUnchecked') return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  let packets = 0;
  const { start: cursorsStart, size: cursorsSize } = regions.cursors[0];
  arena.bytes.fill(0, cursorsStart, cursorsStart + cursorsSize);
  const cursors = new Cursors(outputCount, { arena, region: regions.cursors[0] });
  const outputs = Array.from({ length: outputCount }, () => [] as Bytes[]);
  const roomOf = (output: number) => regions.rooms[0].start + output * roomSize;
  /** Up to here what was appended is taken. */
  const taken = outputs.map((_, output) => roomOf(output));
  const take = (output: number, from: number, to: number, count: number) => {
    outputs[output]?.push(arena.bytes.slice(from, to));
    packets += count;
  };
  const takeAppended = () => {
    const { list } = cursors;
    for (let at = 1; at < 1 + list[0] * listedWidth; at += listedWidth) {
      const [output, place, from, to, count] = list.subarray(at, at + listedWidth);
      take(output, taken[output], place, 0);
      taken[output] = place;
      take(output, from, to, count);
    }
    list[0] = 0;
    for (let output = 0; output < outputCount; output++) {
      take(output, taken[output], cursors.next[output], cursors.packets[output]);
      cursors.packets[output] = 0;
      cursors.next[output] = taken[output] = roomOf(output);
      cursors.limit[output] = roomOf(output) + roomSize;
    }
  };
  const preambles: Bytes[] = [];
  takeAppended();
  const output: Output = {
    error: null,
    unwanted: false,
    cursors: given.appends ? cursors : null,
    listLong: given.lists,
    begin: ({ enhanced, preamble = [] }) => {
      takeAppended();
      if (enhanced !== undefined) unwalked++;
      // They come before the next packet of each output.
      preambles.push(...preamble);
      if (preamble.length > 0) for (const parts of outputs) parts.push(...preamble);
    },
    append: (output, start, end, count) => {
      takeAppended();
      take(output, start, end, count);
    },
    flush: () => undefined,
    rotate: () => undefined,
    settle: () => {
      takeAppended();
      return null;
    },
    get packets() {
      return packets;
    },
    close: () => Promise.resolve([]),
  };
  const { start, size } = regions.walk[0];
  arena.bytes.fill(0, start, start + size);
  const classifier = new Classifier({
    arena,
    region: regions.walk[0],
    lookup,
    labels: labels.length,
    keepOthers: given.keepOthers,
    directed: given.directed,
    maximumRun: 262_144,
  });
  const result = await runPipeline({
    source: only,
    classifier,
    arena,
    output,
    outputFormat: given.blocks ? null : { ...source.format },
    flushEvery: null,
  });
  return {
    outputs: outputs.map((parts) => Buffer.concat(parts).toString('base64')),
    error: result.error?.message ?? null,
    offset: result.error?.details['offset'],
    counts: [...classifier.counts],
    packets: classifier.packets,
    bytes: classifier.bytes,
    unclassified: classifier.unclassified,
    unknown: [...classifier.unknown],
    leftOut: { ...source.leftOut },
    position: source.position,
    preambles: preambles.length,
  };
}

describe('pcapng blocks that nobody has walked', () => {
  it('give what they give with an index, whatever was changed', async () => {
    await fuzz(
      'unwalked',
      200,
      fc.asyncProperty(
        fc.array(section, { minLength: 1, maxLength: 3 }),
        fc.oneof(fc.constant([]), fc.array(change, { maxLength: 3 })),
        options,
        async (sections, changes, given) => {
          const bytes = changed(concat(...sections.map(written)), changes);
          // Noise instead of a first section is no capture.
          if (new DataView(bytes.buffer).getUint32(0) !== 0x0a0d0d0a) return;
          const read = async (indexed: boolean) => {
            try {
              return await split(bytes, given, indexed);
            } catch (error) {
              return String(error);
            }
          };
          assert.deepEqual(await read(false), await read(true));
        },
      ),
    );
    assert.ok(unwalked > 300, `${unwalked} batches were not walked before`);
  });
});
