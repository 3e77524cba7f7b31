/** What `label import` makes of a hosts file. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { importHosts } from '../../src/labels/hosts-import.js';
import { parseHosts } from '../../src/labels/hosts.js';
import { parseLabels } from '../../src/labels/parse.js';

describe('import', () => {
  const hosts = parseHosts(
    [
      '127.0.0.1 localhost kafka',
      '127.0.1.1 my-machine',
      '127.0.0.53 resolver',
      '127.0.0.9 localhost4',
      '10.0.0.1 elsewhere',
      '::1 ip6-localhost',
      '127.0.0.2 kafka-client kafka-client.local',
      '127.0.0.3 loadgen',
      '127.0.0.4 loadgen',
      '127.0.0.4 loadgen',
      '127.0.0.4 stranger',
      '127.0.0.5 taken',
      '127.0.0.6 in-use',
      '127.0.0.7 _not-a-name',
    ].join('\n'),
  );
  const labels = parseLabels(['taken=127.0.0.8', 'other=127.0.0.6:9092'], null);
  const { taken, skipped } = importHosts(hosts, labels);

  it('takes the first name of each loopback address', () => {
    assert.deepEqual(taken, [
      { name: 'kafka-client', addresses: ['127.0.0.2'] },
      { name: 'loadgen', addresses: ['127.0.0.3', '127.0.0.4'] },
    ]);
  });

  it('says what it left out, and why', () => {
    assert.deepEqual(
      skipped.map(({ name, reason }) => `${name}: ${reason}`),
      [
        "localhost: 127.0.0.1 is everybody's",
        "my-machine: 127.0.1.1 is everybody's",
        "resolver: 127.0.0.53 is everybody's",
        'localhost4: it means this machine',
        'stranger: label loadgen has 127.0.0.4',
        'taken: there is a label of that name',
        'in-use: label other has 127.0.0.6',
        '_not-a-name: it is not a label name',
      ],
    );
  });

  it('gives labels that stand beside those there are', () => {
    const options = taken.map(({ name, addresses }) => `${name}=${addresses.join(',')}`);
    parseLabels(['taken=127.0.0.8', 'other=127.0.0.6:9092', ...options], null);
  });
});
