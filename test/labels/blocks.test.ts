/** Ranges to blocks, beside Python's `ipaddress`. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { createRandom } from '../../fixtures/random.js';
import { bytesOf, formatAddress, formatEndpoint, widthOf } from '../../src/labels/address.js';
import { blocksOf, mergedBlocks, type PortedRange } from '../../src/labels/blocks.js';
import { lacking } from '../requirements.js';

function range(
  family: 4 | 6,
  first: bigint,
  last = first,
  port: number | null = null,
): PortedRange {
  return { family, first, last, port };
}

const v4 = (first: number, last = first, port: number | null = null): PortedRange =>
  range(4, 0x7f000000n + BigInt(first), 0x7f000000n + BigInt(last), port);

const texts = (ranges: readonly PortedRange[]): string[] =>
  mergedBlocks(ranges).map(formatEndpoint);

describe('blocks', () => {
  it(
    'are the shortest list for a range, as Python summarizes it',
    { skip: lacking('python3') },
    () => {
      const random = createRandom(3);
      const ranges = Array.from({ length: 400 }, () => {
        const family = random.pick([4, 6] as const);
        const bits = 1 + random.integer(widthOf(family));
        const word = (): bigint =>
          [0, 1, 2, 3].reduce((sum) => (sum << 32n) | BigInt(random.integer(2 ** 32)), 0n) &
          ((1n << BigInt(bits)) - 1n);
        const [a, b] = [word(), word()];
        return a < b ? range(family, a, b) : range(family, b, a);
      });
      ranges.push(range(4, 0n, 0xffffffffn), range(6, 0n, (1n << 128n) - 1n));
      const input = ranges
        .map(({ family, first, last }) =>
          [first, last].map((value) => formatAddress(bytesOf(family, value))).join(' '),
        )
        .join('\n');
      const program = `
import ipaddress, sys
for line in sys.stdin:
    first, last = map(ipaddress.ip_address, line.split())
    print(' '.join(map(str, ipaddress.summarize_address_range(first, last))))`;
      const theirs = execFileSync('python3', ['-c', program], { input, encoding: 'utf8' });
      const ours = ranges.map((each) =>
        blocksOf(each)
          .map((block) => `${formatAddress(block.address)}/${block.prefix}`)
          .join(' '),
      );
      assert.deepEqual(ours, theirs.trimEnd().split('\n'));
    },
  );

  it('join neighbours and swallow what they hold', () => {
    assert.deepEqual(texts([v4(2), v4(3)]), ['127.0.0.2/31']);
    assert.deepEqual(texts([v4(0, 15), v4(3), v4(8, 20)]), [
      '127.0.0.0/28',
      '127.0.0.16/30',
      '127.0.0.20',
    ]);
    assert.deepEqual(texts([v4(2), v4(2)]), ['127.0.0.2']);
  });

  it('keep ports apart, and drop those of addresses that are all the label’s', () => {
    assert.deepEqual(texts([v4(2, 2, 9092), v4(3, 3, 9092)]), ['127.0.0.2/31:9092']);
    assert.deepEqual(texts([v4(2, 2, 9092), v4(2, 2, 9093)]), ['127.0.0.2:9092', '127.0.0.2:9093']);
    assert.deepEqual(texts([v4(0, 255), v4(2, 2, 9092)]), ['127.0.0.0/24']);
    assert.deepEqual(texts([v4(2, 3, 9092), v4(2)]), ['127.0.0.2/31:9092', '127.0.0.2']);
  });

  it('stand in the order in which they were written', () => {
    assert.deepEqual(texts([v4(9), v4(2), range(6, 1n)]), ['127.0.0.9', '127.0.0.2', '::1']);
    assert.deepEqual(texts([range(6, 1n), v4(5), v4(8), v4(4)]), [
      '::1',
      '127.0.0.4/31',
      '127.0.0.8',
    ]);
  });
});
