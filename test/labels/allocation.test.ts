/** Which address `label add NAME` takes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstFreeAddress } from '../../src/labels/allocation.js';
import { parseHosts } from '../../src/labels/hosts.js';
import { parseLabels } from '../../src/labels/parse.js';

const free = (options: readonly string[], hosts = '', name = 'new'): string =>
  firstFreeAddress(name, parseLabels(options, null), parseHosts(hosts));

describe('the first free address', () => {
  it('is 127.0.0.2 at first', () => {
    assert.equal(free([]), '127.0.0.2');
  });

  it('is none that a label has, in whatever form', () => {
    assert.equal(free(['a=127.0.0.2', 'b=127.0.0.3-127.0.0.6', 'c=127.0.0.8']), '127.0.0.7');
    assert.equal(free(['a=127.0.0.2:9092', 'b=::ffff:127.0.0.3']), '127.0.0.4');
    assert.equal(free(['a=127.0.0.0/9']), '127.128.0.1');
    assert.equal(free(['a=::/0', 'b=10.0.0.0/8']), '127.0.0.2');
  });

  it('is none that programs sit on, no network and no broadcast address', () => {
    const taken: string[] = [];
    for (let i = 0; i < 600; i += 1)
      taken.push(free(taken.map((address, n) => `n${n}=${address}`)));
    assert.equal(new Set(taken).size, 600);
    for (const never of ['127.0.0.1', '127.0.0.53', '127.0.0.54', '127.0.1.1']) {
      assert.ok(!taken.includes(never), never);
    }
    assert.ok(taken.every((address) => !/\.(?:0|255)$/.test(address)));
    // 254 of each third byte, less 127.0.0.1, .53, .54 and 127.0.1.1: none is passed over.
    assert.equal(taken[250], '127.0.0.254');
    assert.equal(taken[251], '127.0.1.2');
  });

  it('is none that the hosts file names for something else', () => {
    const hosts = '127.0.0.2 db\n127.0.0.3 new\n::ffff:127.0.0.4 cache\n127.0.0.5 new other';
    assert.equal(free([], hosts), '127.0.0.3');
    assert.equal(free(['x=127.0.0.3'], hosts), '127.0.0.6');
  });

  it('may be missing', () => {
    assert.throws(() => free(['a=127.0.0.0/8']), { code: 'ADDRESSES_EXHAUSTED' });
    assert.throws(() => free(['a=127.0.0.0-127.255.255.254']), { code: 'ADDRESSES_EXHAUSTED' });
  });
});
