/** Address text and arithmetic, beside Python's `ipaddress`. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { createRandom, type Random } from '../../fixtures/random.js';
import {
  bytesOf,
  formatAddress,
  formatBlock,
  formatEndpoint,
  mappedIPv4,
  parseAddress,
  valueOf,
} from '../../src/labels/address.js';
import { lacking } from '../requirements.js';

/** Runs a Python expression over each line of input; `x` is the line. */
function python(lines: readonly string[], expression: string): string[] {
  const program = `
import ipaddress, sys
def one(x):
    try: return ${expression}
    except ValueError: return 'no'
for line in sys.stdin.read().split('\\n'): print(one(line))`;
  return execFileSync('python3', ['-c', program], { input: lines.join('\n'), encoding: 'utf8' })
    .trimEnd()
    .split('\n');
}

/** Groups that are often zero, so that runs of zeros come in every place and length. */
function randomGroups(random: Random): string {
  const group = (): string => (random.oneIn(2) ? '0' : random.integer(0x10000).toString(16));
  return Array.from({ length: 8 }, group).join(':');
}

describe('address', { skip: lacking('python3') }, () => {
  it('writes IPv6 as RFC 5952 wants it, as Python does', () => {
    const random = createRandom(1);
    const texts = Array.from({ length: 2000 }, () => randomGroups(random));
    const ours = texts.map((text) => formatAddress(bytesOf(6, parseAddress(text)?.value ?? 0n)));
    assert.deepEqual(ours, python(texts, 'ipaddress.IPv6Address(x).compressed'));
  });

  it('reads what Python reads, and nothing else', () => {
    const random = createRandom(2);
    const pieces = ['0', '1', '127', '255', '256', '01', 'ff', 'fffff', 'g', '', ' ', '-1', '+1'];
    const texts = ['::', '::1', '1::', ':1', '1:', ':::', '1::2::3', '::ffff:127.0.0.2', '1.2.3'];
    texts.push('1:2:3:4:5:6:7::', '::2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:1.2.3.4');
    texts.push('1.2.3.4::', '::1.2.3.4:5', '1:2:3:4:5:6:7:1.2.3.4', '::1.2.3', '1::2:3:4:5:6:7:8');
    for (let i = 0; i < 5000; i += 1) {
      const mark = random.pick(['.', ':']);
      const count = mark === '.' ? 3 + random.integer(3) : 1 + random.integer(9);
      const words = Array.from({ length: count }, () => random.pick(pieces));
      texts.push(words.join(mark));
      texts.push(randomGroups(random).replace(/(?:0:)+0/, random.pick([':', '::', '0'])));
    }
    const ours = texts.map((text) => parseAddress(text)?.value.toString() ?? 'no');
    const theirs = python(texts, 'int(ipaddress.ip_address(x))');
    texts.forEach((text, index) => {
      assert.equal(ours[index], theirs[index], JSON.stringify(text));
    });
    assert.ok(ours.filter((value) => value !== 'no').length > 100);
  });

  it('goes from numbers to bytes and back', () => {
    for (const value of [0n, 1n, 0x7f000002n, 0xffffffffn]) {
      assert.equal(valueOf(bytesOf(4, value)), value);
    }
    assert.equal(valueOf(bytesOf(6, (1n << 128n) - 1n)), (1n << 128n) - 1n);
    assert.deepEqual([...bytesOf(4, 0x7f000102n)], [127, 0, 1, 2]);
  });

  it('finds IPv4 inside ::ffff:0:0/96 only', () => {
    const mapped = (text: string): bigint | null => mappedIPv4(parseAddress(text)?.value ?? 0n);
    assert.equal(mapped('::ffff:127.0.0.2'), 0x7f000002n);
    assert.equal(mapped('::127.0.0.2'), null);
    assert.equal(mapped('::1:ffff:7f00:2'), null);
    assert.equal(mapped('64:ff9b::127.0.0.2'), null);
  });

  it('writes endpoints as -l takes them', () => {
    const v4 = { family: 4, address: bytesOf(4, 0x7f000100n), prefix: 28, port: 9092 } as const;
    const v6 = { family: 6, address: bytesOf(6, 1n), prefix: 128, port: 9092 } as const;
    assert.equal(formatBlock(v4), '127.0.1.0/28');
    assert.equal(formatEndpoint(v4), '127.0.1.0/28:9092');
    assert.equal(formatEndpoint(v6), '[::1]:9092');
    assert.equal(formatEndpoint({ ...v6, port: null }), '::1');
  });
});
