import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { concat, ethernet, ipv4, pcapFile, udp, type Bytes } from '../../fixtures/frames.js';
import { SectionWriter } from '../../fixtures/pcapng.js';
import type { OpenOptions } from '../../src/sources/open.js';
import { readBytes, type Reading } from '../sources/read-all.js';
import { fuzz } from './fuzz.js';

const frame = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(4000, 9092, 21)));
const packets = Array.from({ length: 9 }, (_, index) => ({
  seconds: 1_700_000_000 + index,
  fraction: index,
  data: frame.subarray(0, 20 + index * 4),
}));

function section(bigEndian: boolean): Bytes {
  const w = new SectionWriter(bigEndian);
  const text = new TextEncoder().encode('text');
  return concat(
    w.header([2, text]),
    w.interface(1, { resolution: 9 }),
    w.names(['127.0.0.2', 'client']),
    w.enhanced(0, 1_700_000_000_000_000_000n, frame),
    w.interface(101, { resolution: 0x8a, offset: -5n }),
    w.enhanced(1, 17n, frame.subarray(14), { options: [[1, text]] }),
    w.obsolete(0, 18n, frame),
    w.simple(frame),
    w.secrets('secret'),
    w.block(0xbad, text, text),
    w.enhanced(0, 19n, frame),
    w.statistics(0, 9n),
  );
}

/** A magic or a version changed makes the same bytes another dialect. */
function dialect(version: number, magic?: number): Bytes {
  const bytes = pcapFile(packets);
  const view = new DataView(bytes.buffer);
  view.setUint16(6, version, true);
  if (magic !== undefined) view.setUint32(0, magic, true);
  return bytes;
}

const corpus: Bytes[] = [
  pcapFile(packets),
  pcapFile(packets, { bigEndian: true, nanoseconds: true }),
  dialect(2),
  dialect(3),
  dialect(4, 0xa1b2cd34),
  section(false),
  section(true),
  concat(section(true), section(false)),
];

/** Changes to a file: a byte or a 32-bit word anywhere, bytes left out, bytes put in. */
const change = fc.oneof(
  fc.record({ kind: fc.constant('byte' as const), at: fc.nat(4000), value: fc.nat(255) }),
  fc.record({
    kind: fc.constant('word' as const),
    at: fc.nat(1000),
    value: fc.oneof(
      fc.nat(64),
      fc.constantFrom(0xffffffff, 0x80000000, 0x7fffffff, 262_144, 262_145, 16_777_216),
    ),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(4000), value: fc.nat(80) }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(4000), value: fc.nat(80) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function changed(bytes: Bytes, changes: readonly Change[]): Bytes {
  let result: Bytes = bytes.slice();
  for (const { kind, at: position, value } of changes) {
    const at = position % Math.max(1, result.length);
    if (kind === 'byte') result[at] = value;
    else if (kind === 'word') {
      const word = (at & ~3) % Math.max(4, result.length - 4);
      const little = (value & 1) === 0;
      if (word + 4 <= result.length) new DataView(result.buffer).setUint32(word, value, little);
    } else if (kind === 'cut') result = concat(result.subarray(0, at), result.subarray(at + value));
    else {
      const inserted = new Uint8Array(value).fill(value);
      result = concat(result.subarray(0, at), inserted, result.subarray(at));
    }
  }
  return result;
}

const options = fc.record({
  blocks: fc.boolean(),
  nanoseconds: fc.boolean(),
  repair: fc.boolean(),
}) satisfies fc.Arbitrary<OpenOptions>;

/** What must hold of any input: no crash (`readBytes` would reject), no more out than in. */
function check(bytes: Uint8Array, reading: Reading, { repair }: OpenOptions): void {
  const captured = reading.packets.reduce((sum, { data }) => sum + data.length, 0);
  assert.ok(captured <= bytes.length, 'packets are no longer than the file');
  assert.ok(16 * reading.packets.length <= bytes.length + 16);
  const left = reading.leftOut?.bytes ?? 0;
  assert.ok(left + captured <= bytes.length);
  if (repair !== true) assert.equal(left, 0);
  const offset = reading.error?.details['offset'];
  if (offset !== undefined) assert.ok(Number(offset) <= bytes.length);
}

async function checkAll(bytes: Bytes, wanted: OpenOptions, chunk: number): Promise<void> {
  const whole = await readBytes(bytes, wanted);
  check(bytes, whole, wanted);
  const pieces = await readBytes(bytes, wanted, chunk);
  assert.deepEqual(pieces.packets, whole.packets);
  assert.deepEqual(pieces.error?.message, whole.error?.message);
  assert.deepEqual({ ...pieces.leftOut }, { ...whole.leftOut });
  assert.ok(Buffer.from(pieces.preamble).equals(whole.preamble));
}

describe('captures that nobody made', () => {
  it('end with packets and one error, whatever was changed', async () => {
    await fuzz(
      'changed-captures',
      400,
      fc.asyncProperty(
        fc.nat(corpus.length - 1),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        options,
        fc.constantFrom(1, 5, 37),
        (which, changes, wanted, chunk) => checkAll(changed(corpus[which], changes), wanted, chunk),
      ),
    );
  });

  it('end likewise when they are noise behind a beginning', async () => {
    await fuzz(
      'noise',
      200,
      fc.asyncProperty(
        fc.nat(corpus.length - 1),
        fc.nat(64),
        fc.uint8Array({ maxLength: 300 }),
        options,
        async (which, kept, noise, wanted) => {
          await checkAll(concat(corpus[which].subarray(0, kept), noise), wanted, 3);
        },
      ),
    );
  });

  it('end likewise when they are compressed and changed', async () => {
    const compressed = corpus.map((bytes) => new Uint8Array(gzipSync(bytes)));
    await fuzz(
      'changed-gzip',
      150,
      fc.asyncProperty(
        fc.nat(compressed.length - 1),
        fc.array(change, { maxLength: 3 }),
        async (which, changes) => {
          const bytes = changed(compressed[which], changes);
          const reading = await readBytes(bytes, {}, 64);
          assert.ok(reading.packets.length < 100_000);
        },
      ),
    );
  });

  it('give of every beginning what is whole in it', async () => {
    for (const bytes of corpus) {
      const all = await readBytes(bytes, { blocks: true });
      let most = 0;
      for (let length = 0; length < bytes.length; length++) {
        const read = await readBytes(bytes.subarray(0, length), { blocks: true });
        assert.deepEqual(read.packets, all.packets.slice(0, read.packets.length));
        assert.ok(read.packets.length >= most);
        most = read.packets.length;
        if (read.error !== null) assert.match(read.error.code, /^INPUT_(FORMAT|DAMAGED)$/);
      }
    }
  });
});
