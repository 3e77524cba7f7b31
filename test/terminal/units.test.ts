import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LbcapError } from '../../src/errors.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  parseDuration,
  parseSize,
} from '../../src/terminal/units.js';

const isUsage = (error: unknown): boolean =>
  error instanceof LbcapError && error.code === 'USAGE' && error.message.startsWith('--it: "');

test('sizes are 1024-based', () => {
  const sizes: [string, number][] = [
    ['1', 1],
    ['262144', 262_144],
    ['64k', 65_536],
    ['64K', 65_536],
    ['100M', 104_857_600],
    ['1.5G', 1_610_612_736],
    [' 2m ', 2_097_152],
  ];
  for (const [text, bytes] of sizes) assert.equal(parseSize(text, '--it'), bytes, text);
});

test('what is no size is said to be none', () => {
  for (const text of [
    '',
    '0',
    '0k',
    '-1',
    '1.5',
    '10X',
    '1 M',
    'M',
    '1e3',
    '0x10',
    '9999999999G',
    '1kk',
  ]) {
    assert.throws(() => parseSize(text, '--it'), isUsage, text);
  }
});

test('times', () => {
  const times: [string, number][] = [
    ['500ms', 500],
    ['10s', 10_000],
    ['10', 10_000],
    ['0.5', 500],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['1h30m', 5_400_000],
    ['596h', 596 * 3_600_000],
  ];
  for (const [text, milliseconds] of times) {
    assert.equal(parseDuration(text, '--it'), milliseconds, text);
    assert.ok(milliseconds < 2 ** 31, 'a timer can hold it');
  }
});

test('what is no time is said to be none', () => {
  for (const text of ['', '0', '0s', '-1s', '10 s', 's', '10S', '1d', '0.1ms', '597h', '1e3s']) {
    assert.throws(() => parseDuration(text, '--it'), isUsage, text);
  }
});

test('bytes are at most five characters', () => {
  const shown: [number, string][] = [
    [0, '0'],
    [1023, '1023'],
    [1024, '1.0k'],
    [10_188, '9.9k'],
    [10_189, '10k'],
    [65_536, '64k'],
    [1_023_487, '999k'],
    [1_023_488, '1.0M'],
    [1_610_612_736, '1.5G'],
    [5e15, '4.4P'],
  ];
  for (const [bytes, text] of shown) assert.equal(formatBytes(bytes), text);
});

test('counts, times and parts', () => {
  assert.deepEqual([0, 999, 1000, 1_234_567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  assert.deepEqual(
    [0, 850, 4200, 9949, 9950, 59_499, 59_500, 65_000, 3_599_600, 7_384_000].map(formatDuration),
    ['0 ms', '850 ms', '4.2 s', '9.9 s', '10 s', '59 s', '1:00', '1:05', '1:00:00', '2:03:04'],
  );
  assert.equal(formatPercent(1, 100_000), '<0.1 %');
  assert.equal(formatPercent(1, 200), '0.5 %');
  assert.equal(formatPercent(40, 100), '40 %');
  assert.equal(formatPercent(0, 100), '0 %');
});
