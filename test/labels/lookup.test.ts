/** The compiled lookup, beside a scan over all endpoints. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ipv4Address, ipv6Address } from '../../fixtures/frames.js';
import { randomLabels } from '../../fixtures/random-labels.js';
import { portPool, randomIPv4, randomIPv6 } from '../../fixtures/random-packets.js';
import { createRandom } from '../../fixtures/random.js';
import { rangeOf, valueOf } from '../../src/labels/address.js';
import type { Label } from '../../src/labels/label.js';
import { compileLookup, type LabelLookup } from '../../src/labels/lookup.js';
import { parseLabels } from '../../src/labels/parse.js';

function scan(labels: readonly Label[], address: Uint8Array, port: number): number {
  const value = valueOf(address);
  return labels.findIndex(({ endpoints }) =>
    endpoints.some((endpoint) => {
      const { first, last } = rangeOf(endpoint);
      return (
        endpoint.address.length === address.length &&
        first <= value &&
        value <= last &&
        (endpoint.port === null || endpoint.port === port)
      );
    }),
  );
}

/** At an odd offset, as packets have it. */
function ask(lookup: LabelLookup, address: Uint8Array, port: number): number {
  const bytes = new Uint8Array(3 + address.length + 5).fill(0xff);
  bytes.set(address, 3);
  const view = new DataView(bytes.buffer);
  return address.length === 4 ? lookup.v4(view.getInt32(3), port) : lookup.v6(view, 3, port);
}

describe('lookup', () => {
  it('finds what a scan finds, 500 random label sets', () => {
    const random = createRandom(5);
    let found = 0;
    for (let round = 0; round < 500; round += 1) {
      const labels = randomLabels(random, 1 + random.integer(20), round % 2 === 1);
      const lookup = compileLookup(labels);
      for (let i = 0; i < 200; i += 1) {
        const address = random.oneIn(2)
          ? ipv4Address(randomIPv4(random))
          : ipv6Address(randomIPv6(random));
        const port = random.pick([0, ...portPool]);
        const expected = scan(labels, address, port);
        if (expected !== -1) found += 1;
        const texts = labels.map(({ name, text }) => `${name}=${text}`).join(' ');
        assert.equal(ask(lookup, address, port), expected, `${address.join('.')}:${port} ${texts}`);
      }
    }
    assert.ok(found > 10_000, `${found} found`);
  });

  it('takes every prefix length, the whole of both families too', () => {
    for (const [text, inside, outside] of [
      ['0.0.0.0/0', '255.255.255.255', '::1'],
      ['128.0.0.0/1', '255.0.0.1', '127.0.0.1'],
      ['127.0.0.2/32', '127.0.0.2', '127.0.0.3'],
    ] as const) {
      const lookup = compileLookup(parseLabels([`a=${text}`], null));
      assert.equal(ask(lookup, ipv4Address(inside), 0), 0);
      const other = outside.includes(':') ? ipv6Address(outside) : ipv4Address(outside);
      assert.equal(ask(lookup, other, 0), -1);
    }
    for (let prefix = 0; prefix <= 128; prefix += 1) {
      const inside = new Uint8Array(16).fill(0xff);
      const outside = inside.slice();
      if (prefix > 0) outside[(prefix - 1) >> 3] ^= 0x80 >> ((prefix - 1) & 7);
      const block = inside.map(
        (byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))),
      );
      const label: Label = {
        name: 'a',
        text: '',
        endpoints: [{ family: 6, address: block, prefix, port: null }],
      };
      const lookup = compileLookup([label]);
      assert.equal(ask(lookup, inside, 0), 0, `/${prefix}`);
      if (prefix > 0) assert.equal(ask(lookup, outside, 0), -1, `/${prefix}`);
    }
  });

  it('tells whether ports matter', () => {
    assert.equal(compileLookup(parseLabels(['a=127.0.0.1,::1'], null)).usesPorts, false);
    assert.equal(compileLookup(parseLabels(['a=127.0.0.1', 'b=[::1]:1'], null)).usesPorts, true);
  });

  it('of no labels finds nothing', () => {
    const lookup = compileLookup([]);
    assert.equal(lookup.v4(0, 0), -1);
    assert.equal(lookup.v6(new DataView(new ArrayBuffer(16)), 0, 1), -1);
  });
});
