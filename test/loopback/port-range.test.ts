import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  countPorts,
  parsePortList,
  parsePortRange,
  usablePorts,
} from '../../src/loopback/port-range.js';

const linux = { first: 32_768, last: 60_999 };
const ports = (range: { first: number; last: number }, reserved = '') => ({
  range,
  origin: 'test',
  reserved: parsePortList(reserved),
});

test('the range as Linux and sysctl write it', () => {
  assert.deepEqual(parsePortRange('32768\t60999\n'), linux);
  assert.deepEqual(parsePortRange('49152\n65535\n'), { first: 49_152, last: 65_535 });
  for (const text of [
    '',
    '1',
    '1 2 3',
    '60999 32768',
    '1 65536',
    '-1 5',
    'a b',
    '1.0 2',
    '1e3 2e3',
  ])
    assert.throws(() => parsePortRange(text), { code: 'INPUT_FORMAT' }, text);
});

test('reserved ports are single ones and ranges', () => {
  assert.deepEqual(parsePortList('\n'), []);
  assert.deepEqual(parsePortList('8080,9148-9150\n'), [
    { first: 8080, last: 8080 },
    { first: 9148, last: 9150 },
  ]);
  for (const text of ['a', '1,', '5-3', '1-2-3', '65536', '1 2'])
    assert.throws(() => parsePortList(text), { code: 'INPUT_FORMAT' }, text);
});

test('28,232 ports, without those reserved and those that listen', () => {
  assert.equal(countPorts(usablePorts(ports(linux), [])), 28_232);
  assert.equal(countPorts(usablePorts(ports(linux), [80, 9092])), 28_232, 'outside the range');
  assert.equal(countPorts(usablePorts(ports(linux), [40_000, 60_999])), 28_230);
  const reserved = ports(linux, '80,32768-32777,60999-65535');
  assert.equal(countPorts(usablePorts(reserved, [32_770])), 28_221, 'a port is lost once');
  assert.equal(countPorts(usablePorts(ports({ first: 5, last: 5 }), [])), 1);
});
