/** Which addresses of a label connections are given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressTexts, countOf, sourcesOf } from '../../src/binding/sources.js';
import { parseLabel } from '../../src/labels/parse.js';

const label = (text: string) => parseLabel('client', text.split(','));

test('without a pool, the first address of each family', () => {
  const { ipv4, ipv6 } = sourcesOf(label('127.0.1.0/28,fd00::2,fd00::9'), false);
  assert.deepEqual(addressTexts(ipv4), ['127.0.1.0']);
  assert.deepEqual(addressTexts(ipv6), ['fd00::2']);
});

test('a pool has all of them, in order', () => {
  const { ipv4, ipv6 } = sourcesOf(label('127.0.0.9,127.0.0.254-127.0.1.1,fd00::/127'), true);
  const expected = ['127.0.0.9', '127.0.0.254', '127.0.0.255', '127.0.1.0', '127.0.1.1'];
  assert.deepEqual(addressTexts(ipv4), expected);
  assert.deepEqual(addressTexts(ipv6), ['fd00::', 'fd00::1']);
});

test('a pool has at most 65536 addresses', () => {
  assert.equal(countOf(sourcesOf(label('127.1.0.0/16'), true).ipv4), 65_536);
  assert.throws(() => sourcesOf(label('127.0.0.0/15'), true), /more than 65536/);
  assert.throws(() => sourcesOf(label('fd00::/64'), true), /more than 65536/);
  assert.equal(countOf(sourcesOf(label('fd00::/64'), false).ipv6), 1);
});

test('a label with a port is no source', () => {
  assert.throws(() => sourcesOf(label('127.0.0.2:9092'), false), /has a port/);
});
