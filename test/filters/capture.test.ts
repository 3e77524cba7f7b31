/** The kernel's filter: small for any number of labels; equivalence.test.ts shows that it misses nothing. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { createRandom } from '../../fixtures/random.js';
import { captureFilter } from '../../src/filters/capture.js';
import { rangeOf } from '../../src/labels/address.js';
import { parseLabel, parseLabels } from '../../src/labels/parse.js';
import { lacking } from '../requirements.js';

/** BPF_MAXINSNS (<linux/bpf_common.h>): a longer program is not taken by the kernel. */
const mostInstructions = 4096;

function instructions(filter: string, link = 'EN10MB'): number {
  const code = execFileSync('tcpdump', ['-y', link, '-d', filter], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return code.trimEnd().split('\n').length;
}

const filter = (options: readonly string[], user: string | null = null, others = false) =>
  captureFilter(parseLabels(options, null), user, others);

describe('the kernel filter', () => {
  it('holds the labels as they are while they are few', () => {
    assert.match(
      filter(['a=127.0.0.2', 'b=127.0.1.0/28']) ?? '',
      /^host 127\.0\.0\.2 or net 127\.0\.1\.0\/28 or /,
    );
  });

  it('is nothing but the user’s when packets of no label are wanted, or there is none', () => {
    assert.equal(filter(['a=127.0.0.2'], null, true), null);
    assert.equal(filter(['a=127.0.0.2'], ' ', true), null);
    assert.equal(filter(['a=127.0.0.2'], 'tcp', true), 'tcp');
    assert.equal(filter([], 'tcp'), 'tcp');
  });

  it('is and-ed with the user’s', () => {
    assert.match(
      filter(['a=127.0.0.2'], 'tcp or udp') ?? '',
      /^\(host 127\.0\.0\.2 or [^()]*\) and \(tcp or udp\)$/,
    );
  });

  it('is the user’s alone where that moves the offsets of all behind it', () => {
    for (const user of ['vlan', 'vlan 5 and tcp', 'mpls', 'pppoes 7', 'geneve', 'tcp or (vlan)']) {
      assert.equal(filter(['a=127.0.0.2'], user), user);
    }
    assert.notEqual(filter(['a=127.0.0.2'], 'host vlanbox'), 'host vlanbox');
  });

  it('lets extension headers pass only where an IPv6 label has a port', () => {
    assert.match(filter(['a=[::1]:9092']) ?? '', /ip6\[6\]/);
    assert.doesNotMatch(filter(['a=::1', 'b=127.0.0.1:9092']) ?? '', /ip6\[6\]/);
  });

  const sets: Record<string, (index: number) => string> = {
    'neighbouring addresses': (i) => `127.1.${i >> 8}.${i & 255}`,
    'scattered addresses': (i) =>
      `127.${(i * 40_503) & 255}.${((i * 40_503) >> 8) & 255}.${i & 1 ? 7 : 8}`,
    'ports of one address': (i) => `127.0.0.1:${i + 1}`,
    'ports of an address each': (i) => `127.2.${i >> 8}.${i & 255}:${1000 + (i % 900)}`,
    'IPv6 addresses': (i) => `fd00:${(i * 31).toString(16).slice(-4)}::${i.toString(16)}`,
    'IPv6 ports': (i) => `[fd00::${i.toString(16)}]:9092`,
    'a bit of everything': (i) =>
      [
        `127.3.${i >> 8}.${i & 255}`,
        `fd01::${i.toString(16)}`,
        `[fd02::${i.toString(16)}]:5`,
        `127.4.${i >> 8}.${i & 255}:80`,
      ][i % 4],
  };
  for (const [name, address] of Object.entries(sets)) {
    it(`stays small: ${name}`, { skip: lacking('tcpdump') }, () => {
      for (const count of [1, 32, 64, 65, 1000, 65_535]) {
        const options = Array.from({ length: count }, (_, index) => `n${index}=${address(index)}`);
        const text = filter(options) ?? '';
        assert.ok(text.length < 16_384, `${text.length} characters for ${count}`);
        const size = instructions(text);
        assert.ok(size <= mostInstructions / 2, `${size} instructions for ${count}`);
      }
    });
  }

  it('holds every address of the labels, however coarse', () => {
    const random = createRandom(12);
    for (let round = 0; round < 200; round += 1) {
      const spread = random.pick([0xff, 0xffff, 0xffffff]);
      const options = Array.from({ length: 65 + random.integer(300) }, (_, index) => {
        const low = random.integer(spread);
        const text = random.oneIn(3)
          ? `fd00::${(low >> 16).toString(16)}:${(low & 0xffff).toString(16)}`
          : `127.${low >> 16}.${(low >> 8) & 255}.${low & 255}`;
        return { name: `n${index}`, text };
      });
      const labels = options.map(({ name, text }) => parseLabel(name, [text]));
      const terms = (captureFilter(labels, null, false) ?? '').split(' or ');
      const blocks = terms
        .map((term) => /^(?:host|net) (.*)$/.exec(term)?.[1])
        .filter((text) => text !== undefined)
        .map((text) => rangeOf(parseLabel('b', [text]).endpoints[0]));
      assert.ok(blocks.length <= 64, `${blocks.length} terms`);
      for (const { text, endpoints } of labels) {
        const { family, first } = rangeOf(endpoints[0]);
        const held = blocks.some(
          (block) => block.family === family && block.first <= first && first <= block.last,
        );
        assert.ok(held, text);
      }
    }
  });

  it('compiles on every kind of link of loopbacks', { skip: lacking('tcpdump') }, () => {
    const text = filter(['a=127.0.0.2', 'b=[::1]:9092'], 'tcp') ?? '';
    for (const link of ['EN10MB', 'NULL', 'LOOP', 'RAW', 'LINUX_SLL', 'LINUX_SLL2']) {
      assert.ok(instructions(text, link) > 5, link);
    }
  });

  it('joins the nearest: far addresses stay apart', () => {
    const near = Array.from({ length: 200 }, (_, index) => `n${index}=127.9.0.${index}`);
    const text = filter([...near, 'far=127.200.0.1', 'six=fd00::1']) ?? '';
    assert.match(text, /net 127\.9\.0\.\d+\/\d+/);
    assert.match(text, /host 127\.200\.0\.1 /);
    assert.match(text, /host fd00::1 /);
    assert.ok(text.split(' or ').length <= 70);
  });
});
