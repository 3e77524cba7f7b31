/** hosts(5), as libc reads it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipv4Of, parseHosts } from '../../src/labels/hosts.js';

test('entries, without comments and what libc passes over', () => {
  const text = [
    '# 127.0.0.9 commented',
    '127.0.0.1\tlocalhost',
    '  127.0.0.5   kafka kafka.local # broker',
    '127.0.0.6#nothing',
    '127.0.0.7',
    '',
    '127.0.0.300 wrong',
    'name 127.0.0.8',
    '::1 localhost ip6-localhost\r',
    '::ffff:127.0.0.8 mapped',
  ].join('\n');
  assert.deepEqual(parseHosts(text), [
    { address: '127.0.0.1', names: ['localhost'] },
    { address: '127.0.0.5', names: ['kafka', 'kafka.local'] },
    { address: '::1', names: ['localhost', 'ip6-localhost'] },
    { address: '::ffff:127.0.0.8', names: ['mapped'] },
  ]);
});

test('an address as an IPv4 number', () => {
  const of = (address: string): number | null => ipv4Of({ address, names: ['x'] });
  assert.equal(of('127.0.0.5'), 0x7f000005);
  assert.equal(of('::ffff:127.0.0.5'), 0x7f000005);
  assert.equal(of('::1'), null);
});
