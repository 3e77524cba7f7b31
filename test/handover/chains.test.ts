import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chainsOf } from '../../src/handover/chains.js';
import type { Ending, Hop } from '../../src/handover/hop.js';

/** A hop from one address to another, in the order in which they are made. */
function hops(...list: readonly (readonly [from: string, to: string, ending?: Ending])[]): Hop[] {
  return list.map(([from, to, ending = 'closed'], index) => ({
    protocol: 'tcp',
    from: { address: from, port: 40_000 + index, label: -1 },
    to: { address: to, port: 25, label: -1 },
    complete: true,
    start: index * 1e6,
    duration: 1e6,
    out: { packets: 5, bytes: 500 },
    in: { packets: 5, bytes: 500 },
    retransmissions: 0,
    resets: 0,
    ending,
    endedBy: null,
  }));
}

function ways(list: readonly Hop[]): string[] {
  return chainsOf(list, ({ address }) => address).map(
    ({ path, times }) => `${path.join('>')}${times > 1 ? ` x${times}` : ''}`,
  );
}

describe('chains', () => {
  it('follow hops that begin where, and after, another arrived', () => {
    assert.deepEqual(ways(hops(['a', 'b'], ['b', 'c'], ['c', 'd'])), ['a>b>c>d']);
    // Backwards in time nothing came from anywhere.
    assert.deepEqual(ways(hops(['c', 'd'], ['b', 'c'], ['a', 'b'])), []);
  });

  it('branch, and are counted', () => {
    const twice = hops(['a', 'b'], ['b', 'c'], ['b', 'd'], ['a', 'b'], ['b', 'c']);
    assert.deepEqual(ways(twice), ['a>b>c x2', 'a>b>d']);
  });

  it('end where peers talk to each other both ways', () => {
    assert.deepEqual(ways(hops(['a', 'b'], ['b', 'a'], ['a', 'b'], ['b', 'a'])), []);
    assert.deepEqual(ways(hops(['x', 'a'], ['a', 'b'], ['b', 'a'])), ['x>a>b']);
  });

  it('do not go through what nobody answered, nor through an address itself', () => {
    for (const ending of ['refused', 'unanswered', 'one way'] as const)
      assert.deepEqual(ways(hops(['a', 'b', ending], ['b', 'c'])), []);
    assert.deepEqual(ways(hops(['a', 'a'], ['a', 'c'])), []);
  });

  it('stay short in a crowd', () => {
    const names = Array.from({ length: 50 }, (_, index) => `n${index}`);
    const [way = ''] = ways(hops(...names.slice(1).map((name, i) => [names[i], name] as const)));
    assert.ok(way.split('>').length <= 16);
  });
});
