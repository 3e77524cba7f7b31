/** What one lookup costs with 8 and with 65,536 labels. */
import { performance } from 'node:perf_hooks';
import type { Label } from '../src/labels/label.js';
import { compileLookup, type LabelLookup } from '../src/labels/lookup.js';
import { parseLabels } from '../src/labels/parse.js';
import { say, table, verdict } from './report.js';

const lookups = 2_000_000;
/** Short rounds in turns, of which the best counts: what else runs on the machine spoils only some. */
const rounds = 15;

/** Signed words of 127.0.0.2 and up; every other one is nobody's. */
function addresses(count: number): Int32Array {
  return Int32Array.from(
    { length: 4096 },
    (_, index) => 0x7f000002 + ((index * 40_503) % (2 * count)),
  );
}

function nanoseconds(lookup: LabelLookup, wanted: Int32Array, port: number): number {
  let found = 0;
  const start = performance.now();
  for (let i = 0; i < lookups; i += 1) if (lookup.v4(wanted[i & 4095], port) >= 0) found += 1;
  const elapsed = performance.now() - start;
  if (found === 0) throw new Error('nothing was found');
  return (elapsed / lookups) * 1e6;
}

function nanosecondsV6(lookup: LabelLookup, wanted: Int32Array): number {
  const view = new DataView(new ArrayBuffer(16));
  view.setInt32(0, 0xfd000000 | 0);
  let found = 0;
  const start = performance.now();
  for (let i = 0; i < lookups; i += 1) {
    view.setInt32(12, wanted[i & 4095] - 0x7f000000);
    if (lookup.v6(view, 0, 0) >= 0) found += 1;
  }
  const elapsed = performance.now() - start;
  if (found === 0) throw new Error('nothing was found');
  return (elapsed / lookups) * 1e6;
}

/** Labels on the first `count` addresses from 127.0.0.2 (or fd00::2) on. */
function labels(count: number, address: (index: number) => string): Label[] {
  return parseLabels(
    Array.from({ length: count }, (_, index) => `n${index}=${address(index + 2)}`),
    null,
  );
}

const v4 = (index: number): string => `127.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
const v6 = (index: number): string =>
  `fd00::${(index >> 16).toString(16)}:${(index & 0xffff).toString(16)}`;

interface Load {
  readonly title: string;
  readonly address: (index: number) => string;
  readonly time: (lookup: LabelLookup, wanted: Int32Array) => number;
}

const loads: Load[] = [
  { title: 'IPv4', address: v4, time: (lookup, wanted) => nanoseconds(lookup, wanted, 9092) },
  {
    title: 'IPv4 and port',
    address: (index) => `${v4(index)}:9092`,
    time: (lookup, wanted) => nanoseconds(lookup, wanted, 9092),
  },
  { title: 'IPv6', address: v6, time: nanosecondsV6 },
];

/**
 * More labels are more memory, and so misses of the processor's caches where packets of all of them
 * come mixed; the limit is for what the lookup itself does.
 *
 * @returns whether it is within its limit
 */
export function measureLookup(): boolean {
  say('Lookup of a label, ns, half of them misses, the best of short rounds');
  const rows = [['', '8 labels', '65,536, same addresses', '65,536, 4,096 of them in turn']];
  const ratios: [string, number][] = [];
  for (const { title, address, time } of loads) {
    const few = compileLookup(labels(8, address));
    const many = compileLookup(labels(65_536, address));
    const [near, far] = [addresses(8), addresses(65_536)];
    const best = [Infinity, Infinity, Infinity];
    for (let round = 0; round < rounds; round += 1) {
      best[0] = Math.min(best[0], time(few, near));
      best[1] = Math.min(best[1], time(many, near));
      best[2] = Math.min(best[2], time(many, far));
    }
    rows.push([title, ...best.map((value) => value.toFixed(1))]);
    ratios.push([title, best[1] / best[0]]);
  }
  table(rows);
  return ratios
    .map(([title, ratio]) => verdict(`${title}, 65,536 labels : 8`, ratio, 1.25, ' x'))
    .every((kept) => kept);
}
