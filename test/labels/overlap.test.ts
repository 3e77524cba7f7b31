/** Overlaps between labels, beside a comparison of every pair. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom } from '../../fixtures/random.js';
import { LbcapError } from '../../src/errors.js';
import { rangeOf } from '../../src/labels/address.js';
import type { Endpoint, Label } from '../../src/labels/label.js';
import { assertNoOverlap } from '../../src/labels/overlap.js';
import { parseLabel, parseLabels } from '../../src/labels/parse.js';

function overlaps(a: Endpoint, b: Endpoint): boolean {
  if (a.family !== b.family) return false;
  if (a.port !== null && b.port !== null && a.port !== b.port) return false;
  const [left, right] = [rangeOf(a), rangeOf(b)];
  return left.first <= right.last && right.first <= left.last;
}

function anyPairOverlaps(labels: readonly Label[]): boolean {
  return labels.some((one, index) =>
    labels
      .slice(index + 1)
      .some((other) => one.endpoints.some((a) => other.endpoints.some((b) => overlaps(a, b)))),
  );
}

function check(labels: readonly Label[]): string | null {
  try {
    assertNoOverlap(labels, ({ name }) => name);
    return null;
  } catch (error) {
    assert.ok(error instanceof LbcapError);
    assert.equal(error.code, 'LABEL_OVERLAP');
    return error.message;
  }
}

describe('overlap', () => {
  const together: readonly (readonly [string, string, boolean])[] = [
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.1:9092', true],
    ['127.0.0.1:9092', '127.0.0.1', true],
    ['127.0.0.1:9092', '127.0.0.1:9092', true],
    ['127.0.0.1:9092', '127.0.0.1:9093', false],
    ['127.0.0.0/8', '127.0.0.1:9092', true],
    ['127.0.0.0/8:9092', '127.0.0.1', true],
    ['127.0.0.0/8:9092', '127.0.0.1:9093', false],
    ['127.0.1.1-127.0.1.8', '127.0.1.8', true],
    ['127.0.1.1-127.0.1.8', '127.0.1.9', false],
    ['::1', '[::1]:1', true],
    ['::/0', '127.0.0.1', false],
    ['::ffff:127.0.0.2', '127.0.0.2', true],
    ['fd00::/64', 'fd00::1:0:0:0', true],
    ['fd00::/64', 'fd00:0:0:1::', false],
  ];
  for (const [one, other, expected] of together) {
    it(`${one} and ${other}: ${expected ? 'yes' : 'no'}`, () => {
      const message = check([parseLabel('left', [one]), parseLabel('right', [other])]);
      assert.equal(message !== null, expected);
      if (message !== null) assert.match(message, /left.*right|right.*left/);
    });
  }

  it('is found in random sets exactly when some pair overlaps', () => {
    const random = createRandom(4);
    let found = 0;
    for (let round = 0; round < 3000; round += 1) {
      const labels = Array.from({ length: 2 + random.integer(3) }, (_, index) => {
        const addresses = Array.from({ length: 1 + random.integer(3) }, () => {
          const bits = random.pick([0, 0, 0, 1, 2, 4]);
          const last = (random.integer(64) >> bits) << bits;
          const port = random.oneIn(2) ? `:${1 + random.integer(3)}` : '';
          return `127.0.0.${last}/${32 - bits}${port}`;
        });
        return parseLabel(`l${index}`, addresses);
      });
      const expected = anyPairOverlaps(labels);
      if (expected) found += 1;
      const texts = labels.map(({ text }) => text).join(' ');
      assert.equal(check(labels) !== null, expected, texts);
    }
    assert.ok(found > 300 && found < 2700, `${found} of 3000 overlap`);
  });

  it('names the place where they meet', () => {
    const at = (one: string, other: string): string | null =>
      check([parseLabel('left', [one]), parseLabel('right', [other])]);
    assert.match(at('127.0.0.0/8', '127.0.0.1:9092') ?? '', /at 127\.0\.0\.1:9092/);
    assert.match(at('127.0.0.0/8:9092', '127.0.0.1') ?? '', /at 127\.0\.0\.1:9092/);
    assert.match(at('::1', '[::1]:1') ?? '', /at \[::1\]:1/);
  });

  it('takes seconds at most for 65,536 labels, whatever they look like', () => {
    const many = (address: (index: number) => string): string[] =>
      Array.from({ length: 65_536 }, (_, index) => `n${index}=${address(index)}`);
    const plain = (i: number): string => `127.${i >> 12}.${(i >> 4) & 255}.${(i & 15) * 16}`;
    const port = (i: number): string => `127.0.0.1:${Math.max(1, i)}`;
    const shapes = (i: number): string => `${plain(i)}/${32 - (i % 5)}`;
    const start = performance.now();
    parseLabels(many(plain), null);
    parseLabels(many(port).slice(1), null);
    parseLabels(many(shapes), null);
    const seconds = (performance.now() - start) / 1000;
    // A comparison of every pair would take 6 thousand million steps: minutes.
    assert.ok(seconds < 20, `${seconds.toFixed(1)} s`);
    const last = [...many(plain), 'late=127.0.0.1', 'later=127.15.255.0/24'];
    assert.throws(() => parseLabels(last, null), { code: 'LABEL_OVERLAP' });
  });
});
