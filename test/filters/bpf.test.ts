/** The exact text of capture filters, and that libpcap takes it on every link type of loopbacks. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { bpfFilter } from '../../src/filters/bpf.js';
import { parseLabels } from '../../src/labels/parse.js';
import { lacking } from '../requirements.js';

const filter = (...options: string[]): string => bpfFilter(parseLabels(options, null));

describe('a capture filter', () => {
  const texts: readonly (readonly [string, string])[] = [
    ['127.0.0.2', 'host 127.0.0.2'],
    ['127.0.1.0/28', 'net 127.0.1.0/28'],
    ['::1', 'host ::1'],
    ['fd00::/64', 'net fd00::/64'],
    ['::ffff:127.0.0.2', 'host 127.0.0.2'],
    ['127.0.1.1-127.0.1.4', 'host 127.0.1.1 or net 127.0.1.2/31 or host 127.0.1.4'],
    [
      '127.0.0.1:9092',
      '(src host 127.0.0.1 and src port 9092) or (dst host 127.0.0.1 and dst port 9092)',
    ],
    [
      '[fd00::/64]:9092',
      '(src net fd00::/64 and src port 9092) or (dst net fd00::/64 and dst port 9092)',
    ],
  ];
  for (const [address, text] of texts) {
    it(`of ${address}`, () => {
      assert.equal(filter(`a=${address}`), text);
    });
  }

  it('of several labels is one expression', () => {
    assert.equal(
      filter('a=127.0.0.2', 'b=::1,127.0.0.3'),
      'host 127.0.0.2 or host ::1 or host 127.0.0.3',
    );
  });

  it('is taken by libpcap for every kind of label and link', { skip: lacking('tcpdump') }, () => {
    const all = filter(...texts.slice(5).map(([address], index) => `n${index}=${address}`), 'z=::');
    for (const link of ['EN10MB', 'NULL', 'LOOP', 'RAW', 'LINUX_SLL', 'LINUX_SLL2']) {
      execFileSync('tcpdump', ['-y', link, '-d', all], { stdio: ['ignore', 'ignore', 'pipe'] });
    }
  });

  it(
    'of a plain address is what the kernel runs in a dozen instructions',
    { skip: lacking('tcpdump') },
    () => {
      const code = execFileSync('tcpdump', ['-y', 'EN10MB', '-d', filter('a=127.0.0.2')], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      // Source and destination of IPv4 and of ARP and RARP; nothing about VLAN tags.
      assert.match(code, /jeq +#0x800 /);
      assert.match(code, /jeq +#0x806 /);
      assert.doesNotMatch(code, /#0x8100/);
      assert.equal(code.match(/jeq +#0x7f000002 /g)?.length, 4);
    },
  );
});
