/** Destinations out of sockaddrs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { destinationOf, mapped, readName, writeName } from '../../src/binding/destination.js';
import { bytesOf, parseAddress } from '../../src/labels/address.js';

function name(text: string, port = 9092): Buffer {
  const address = parseAddress(text);
  assert.ok(address !== null);
  return writeName(bytesOf(address.family, address.value), port);
}

const kinds: readonly (readonly [string, string, boolean?])[] = [
  ['127.0.0.1', 'ipv4', false],
  ['127.255.3.4', 'ipv4', false],
  ['0.0.0.0', 'ipv4', true],
  ['::ffff:127.0.0.1', 'ipv4', false],
  ['::ffff:0.0.0.0', 'ipv4', true],
  ['::1', 'ipv6', false],
  ['::', 'ipv6', true],
  ['126.255.255.255', 'other'],
  ['128.0.0.1', 'other'],
  ['::2', 'other'],
  ['::ffff:10.0.0.1', 'other'],
  ['fe80::1', 'other'],
];

for (const [text, kind, unspecified] of kinds) {
  test(`${text} is ${kind}${unspecified === true ? ', unspecified' : ''}`, () => {
    const found = destinationOf(name(text));
    assert.equal(found?.kind ?? 'other', kind);
    if (found === null) return;
    assert.equal(found.unspecified, unspecified);
    assert.equal(found.address.length, kind === 'ipv4' ? 4 : 16);
    assert.equal(found.port, 9092);
  });
}

test('names of other families, and every cut one, are none of ours', () => {
  const unix = Buffer.alloc(110);
  unix.writeUInt16LE(1, 0);
  assert.equal(destinationOf(unix), null);
  for (const text of ['127.0.0.1', '::1']) {
    const whole = name(text);
    // 24 bytes are whole for the kernel (RFC 2133).
    const enough = text === '::1' ? 24 : 16;
    for (let length = 0; length < whole.length; length += 1) {
      const expected = length < enough;
      assert.equal(destinationOf(whole.subarray(0, length)) === null, expected, `${length}`);
    }
  }
});

test('what is written is read', () => {
  const four = Uint8Array.of(127, 0, 0, 2);
  assert.deepEqual([...(readName(writeName(four, 80))?.address ?? [])], [...four]);
  const six = mapped(four);
  assert.equal(writeName(six, 80).length, 28);
  assert.deepEqual([...(readName(writeName(six, 80))?.address ?? [])], [...six]);
});
