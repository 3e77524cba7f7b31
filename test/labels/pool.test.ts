import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHosts } from '../../src/labels/hosts.js';
import { parseLabel, parseLabels } from '../../src/labels/parse.js';
import { freeName, poolOf } from '../../src/labels/pool.js';

const labels = parseLabels(['a=127.0.0.4', 'b=127.0.0.6/31', 'c=[::1]:80'], null);
const hosts = parseHosts('127.0.0.9 db\n127.0.0.10 load\n');

test('a new label gets the next free addresses, around those of others', () => {
  const pool = poolOf(6, 'load', null, labels, hosts);
  assert.deepEqual(pool, {
    name: 'load',
    text: '127.0.0.2-127.0.0.3,127.0.0.5,127.0.0.8,127.0.0.10-127.0.0.11',
    addresses: 6,
  });
  parseLabels([`${pool.name}=${pool.text}`, 'a=127.0.0.4', 'b=127.0.0.6/31'], null);
  const large = poolOf(600, 'load', null, [], []);
  assert.equal(
    large.text,
    '127.0.0.2-127.0.0.52,127.0.0.55-127.0.0.254,127.0.1.2-127.0.1.254,127.0.2.1-127.0.2.96',
  );
});

test('a label that there is keeps its addresses and gets what it lacks', () => {
  const [a, b] = labels;
  assert.equal(poolOf(3, 'a', a, labels, []).text, '127.0.0.4,127.0.0.2-127.0.0.3');
  assert.deepEqual(poolOf(2, 'b', b, labels, []), {
    name: 'b',
    text: '127.0.0.6/31',
    addresses: 2,
  });
  const six = parseLabel('six', ['fd00::2']);
  assert.equal(poolOf(1, 'six', six, [six], []).text, 'fd00::2,127.0.0.2', 'pools are IPv4');
  assert.throws(() => poolOf(1, 'c', labels[2], labels, []), { code: 'LABEL_ADDRESS' });
});

test('no more than there are', () => {
  assert.throws(() => poolOf(2 ** 24, 'load', null, [], []), { code: 'ADDRESSES_EXHAUSTED' });
});

test('a name that nobody has', () => {
  assert.equal(freeName('load', labels), 'load');
  assert.equal(freeName('a', labels), 'a-2');
  assert.equal(freeName('a', [...labels, parseLabel('a-2', ['127.0.9.9'])]), 'a-3');
});
