/** Filters: what libpcap refuses is refused in its words, and the position points at the fault. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { LbcapError } from '../../src/errors.js';
import { positionOf } from '../../src/native/filter.js';
import { checkFilter } from '../../src/native/libpcap.js';

const ethernet = 1;

/** Each with the text that starts where the fault is; `null` where libpcap gives nothing to go by. */
const refused: readonly (readonly [filter: string, fault: string | null])[] = [
  ['tcp port', 'port'],
  ['host 127.0.0.300', '127.0.0.300'],
  ['host 127.0.0.2 and and', 'and'],
  ['(tcp or udp', '(tcp or udp'],
  ['udp or (tcp', '(tcp'],
  ['tcp)', ')'],
  ['foo bar', 'foo bar'],
  ['port 70000', '70000'],
  ['tcp @ udp', '@ udp'],
  ['net 127.0.0.1/8', '127.0.0.1/8'],
  ['vlan 5000', '5000'],
  ['tcp[0:5] = 1', null],
];

for (const [filter, fault] of refused) {
  test(`refused: ${filter}`, async () => {
    const error = await refusalOf(filter);
    assert.equal(error.code, 'FILTER_INVALID');
    assert.doesNotMatch(error.message, /\n/);
    const expected = fault === null ? undefined : filter.lastIndexOf(fault) + 1;
    assert.equal(error.details['position'], expected);
    const tcpdump = spawnSync('tcpdump', ['-y', 'EN10MB', '-d', filter], { encoding: 'utf8' });
    if (tcpdump.error !== undefined) return;
    assert.notEqual(tcpdump.status, 0, 'tcpdump takes it');
    assert.ok(tcpdump.stderr.includes(String(error.details['words'])), tcpdump.stderr);
  });
}

for (const filter of ['tcp port 80', 'host 127.0.0.2', '(ip6 or arp) and not udp', '']) {
  test(`taken: '${filter}', in as many instructions as tcpdump makes`, async (t) => {
    const { instructions } = await checkFilter(filter, ethernet);
    const tcpdump = spawnSync('tcpdump', ['-y', 'EN10MB', '-d', filter], { encoding: 'utf8' });
    if (tcpdump.error !== undefined) {
      t.skip('tcpdump is not installed');
      return;
    }
    assert.equal(instructions, tcpdump.stdout.trim().split('\n').length);
  });
}

test('a NUL does not silently shorten a filter', async () => {
  const error = await refusalOf('tcp port 80\0 and host 127.0.0.2');
  assert.equal(error.code, 'FILTER_INVALID');
  assert.equal(error.details['position'], 12);
  assert.doesNotMatch(error.message, /\0/);
});

test('raw IP is compiled by its file number', async () => {
  const { instructions } = await checkFilter('host 127.0.0.2', 101);
  assert.ok(instructions > 1);
});

test('a filter of very many words is not searched for a position', () => {
  let tries = 0;
  const position = positionOf('and '.repeat(65), 'syntax error', () => ++tries > 0);
  assert.equal(position, null);
  assert.equal(tries, 0);
});

async function refusalOf(filter: string): Promise<LbcapError> {
  return checkFilter(filter, ethernet).then(
    () => assert.fail(`'${filter}' is taken`),
    (error: unknown) => {
      assert.ok(error instanceof LbcapError, String(error));
      return error;
    },
  );
}
