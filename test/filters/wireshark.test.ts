/** The exact text of display filters; equivalence.test.ts lets tshark run them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { displayFilter } from '../../src/filters/wireshark.js';
import { parseLabels } from '../../src/labels/parse.js';

const filter = (...options: string[]): string => displayFilter(parseLabels(options, null));

describe('a display filter', () => {
  const texts: readonly (readonly [string, string])[] = [
    ['127.0.0.2', 'ip.addr==127.0.0.2'],
    ['127.0.1.0/28', 'ip.addr==127.0.1.0/28'],
    ['::1', 'ipv6.addr==::1'],
    ['fd00::/64', 'ipv6.addr==fd00::/64'],
    ['::ffff:127.0.0.2', 'ip.addr==127.0.0.2'],
    ['127.0.1.1-127.0.1.3', 'ip.addr==127.0.1.1 || ip.addr==127.0.1.2/31'],
    [
      '127.0.0.1:9092',
      '(ip.src==127.0.0.1 && (tcp.srcport==9092 || udp.srcport==9092 || sctp.srcport==9092)) || ' +
        '(ip.dst==127.0.0.1 && (tcp.dstport==9092 || udp.dstport==9092 || sctp.dstport==9092))',
    ],
    [
      '[fd00::/64]:9092',
      '(ipv6.src==fd00::/64 && (tcp.srcport==9092 || udp.srcport==9092 || sctp.srcport==9092)) || ' +
        '(ipv6.dst==fd00::/64 && (tcp.dstport==9092 || udp.dstport==9092 || sctp.dstport==9092))',
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
      'ip.addr==127.0.0.2 || ipv6.addr==::1 || ip.addr==127.0.0.3',
    );
  });
});
