/** pcapng's timestamps as pcap's, beside whole numbers of any size. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EnhancedRows } from '../../src/formats/enhanced-row.js';
import { binaryTicks, convertTicks, decimalTicks, type TickRate } from '../../src/formats/ticks.js';
import { createArena } from '../../src/packet/arena.js';
import { fuzz } from '../fuzz/fuzz.js';

const most = 40;
const { arena, regions } = createArena([(most + 1) * 4, most * 8]);
const found = new Int32Array(arena.bytes.buffer, regions[0].start, most + 1);
const rows = new EnhancedRows(arena, 1024, found);

const last = 2n ** 64n - 1n;
const largest = Number.MAX_SAFE_INTEGER;
/** As captures have them: near one another, and across zero where times are relative. */
const times = fc
  .record({
    first: fc.oneof(fc.bigInt(0n, last), fc.bigInt(0n, 9n), fc.bigInt(last - 9n, last)),
    steps: fc.array(
      fc.oneof(fc.constantFrom(0n, 1n, -1n, 10n ** 9n, -(10n ** 6n)), fc.bigInt(-last, last)),
      { minLength: 1, maxLength: most - 1 },
    ),
  })
  .map(({ first, steps }) => {
    const all = [first];
    for (const step of steps) all.push(BigInt.asUintN(64, (all.at(-1) ?? 0n) + step));
    return all;
  });
const rate = fc.oneof(
  fc.integer({ min: 0, max: 12 }).map(decimalTicks),
  fc.integer({ min: 0, max: 63 }).map(binaryTicks),
);
const offset = fc.oneof(fc.constantFrom(0, -5, 2 ** 32, largest, -largest), fc.maxSafeInteger());

function expected(ticks: bigint, { perSecond }: TickRate, seconds: number, unit: number) {
  return [
    Number(BigInt.asUintN(32, ticks / perSecond + BigInt(seconds))),
    Number(((ticks % perSecond) * BigInt(unit)) / perSecond),
  ];
}

describe('timestamps of pcapng', () => {
  it('become seconds and fractions, one by one and in rows', async () => {
    await fuzz(
      'ticks',
      500,
      fc.asyncProperty(
        times,
        rate,
        offset,
        fc.constantFrom(1e6, 1e9),
        fc.boolean(),
        (all, rate, seconds, unit, little) => {
          const { view } = arena;
          const records = all.map((_, index) => regions[1].start + index * 8);
          found.set(records);
          const wanted = all.map((ticks) => expected(ticks, rate, seconds, unit));
          const put = () => {
            for (const [index, ticks] of all.entries()) {
              view.setUint32(records[index], Number(ticks >> 32n), little);
              view.setUint32(records[index] + 4, Number(ticks & 0xffffffffn), little);
            }
          };
          const got = () =>
            records.map((at) => [view.getUint32(at, little), view.getUint32(at + 4, little)]);
          put();
          for (const at of records) convertTicks(view, at, little, rate, seconds, unit);
          assert.deepEqual(got(), wanted);
          put();
          rows.convert(0, all.length, little, rate, seconds, unit);
          assert.deepEqual(got(), wanted);
          return Promise.resolve();
        },
      ),
    );
  });
});
