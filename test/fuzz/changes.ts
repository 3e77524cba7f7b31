/** Captures, and changes to them that nobody would make. */
import fc from 'fast-check';
import { concat, ethernet, ipv4, pcapFile, udp, type Bytes } from '../../fixtures/frames.js';
import { SectionWriter } from '../../fixtures/pcapng.js';

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

/** Small captures of every kind. */
export const corpus: Bytes[] = [
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
export const change = fc.oneof(
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
export type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

export function changed(bytes: Bytes, changes: readonly Change[]): Bytes {
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
