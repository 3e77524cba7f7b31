import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabels } from '../../src/labels/parse.js';
import { parsePortList, usablePorts } from '../../src/loopback/port-range.js';
import { PortUsage, type LabelUsage } from '../../src/loopback/port-usage.js';
import { readDiagAnswer } from '../../src/native/socket-diag-messages.js';
import { blankSocket } from '../../src/native/tcp-socket.js';
import { diagMessage, type Tale } from './sockets.js';

const system = {
  range: { first: 40_000, last: 40_099 },
  origin: 'test',
  reserved: parsePortList('40090-40099'),
};

function usageOf(
  labels: readonly string[],
  tales: readonly Tale[],
  { bound = [] as number[], mode = 2 } = {},
): LabelUsage[] {
  const reuse = { mode, delay: 1000 };
  const usage = new PortUsage(parseLabels(labels, null), usablePorts(system, bound), reuse);
  const bytes = Buffer.concat(tales.map((tale) => diagMessage(tale)));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  readDiagAnswer(blankSocket(view), bytes.length, (socket) => {
    usage.add(socket);
  });
  return usage.result();
}

const open = (local: string, remote: string, state: Tale['state'] = 'ESTABLISHED'): Tale => ({
  local,
  remote,
  state,
});

test('by server, then by address, the fullest first', () => {
  const [pool] = usageOf(
    ['pool=127.0.40.8/29'],
    [
      open('127.0.40.8:40000', '127.0.0.1:80'),
      open('127.0.40.9:40000', '127.0.0.1:9092'),
      open('127.0.40.10:40000', '127.0.0.1:9092'),
      open('127.0.40.10:40001', '127.0.0.1:9092', 'SYN_SENT'),
      open('127.0.40.16:40001', '127.0.0.1:9092'),
    ],
  );
  assert.deepEqual([pool.addresses, pool.perAddress], [8, 90]);
  assert.deepEqual(
    pool.servers.map(({ server, used, states }) => ({ server, used, states })),
    [
      { server: '127.0.0.1:9092', used: 3, states: { ESTABLISHED: 2, SYN_SENT: 1 } },
      { server: '127.0.0.1:80', used: 1, states: { ESTABLISHED: 1 } },
    ],
  );
  assert.deepEqual(
    pool.servers[0].addresses.map(({ address, used }) => `${address} ${used}`),
    ['127.0.40.10 2', '127.0.40.9 1'],
  );
});

test('listeners, what they accepted and ports of one’s own take no ephemeral port', () => {
  const [a] = usageOf(
    ['a=127.0.0.2'],
    [
      open('127.0.0.2:9092', '0.0.0.0:0', 'LISTEN'),
      open('127.0.0.2:9092', '127.0.0.9:40001'),
      open('127.0.0.2:40050', '0.0.0.0:0', 'LISTEN'),
      open('127.0.0.2:40050', '127.0.0.9:40001'),
      open('127.0.0.2:40095', '127.0.0.1:80'),
      open('127.0.0.2:40051', '127.0.0.1:80'),
    ],
    { bound: [9092, 40_050] },
  );
  assert.equal(a.perAddress, 89);
  assert.deepEqual(a.others, { ESTABLISHED: 3, LISTEN: 2 });
  assert.deepEqual(
    a.servers.map(({ server, used }) => `${server} ${used}`),
    ['127.0.0.1:80 1'],
  );
});

test('a label with a port is that port, and has no limit of its own', () => {
  const [broker, other] = usageOf(
    ['broker=127.0.0.1:40060', 'other=127.0.0.3'],
    [
      open('127.0.0.1:40060', '127.0.0.3:40001'),
      open('127.0.0.3:40001', '127.0.0.1:40060'),
      open('127.0.0.1:40061', '127.0.0.3:1'),
    ],
  );
  assert.deepEqual([broker.addresses, broker.servers, broker.others], [0, [], { ESTABLISHED: 1 }]);
  assert.equal(other.servers[0].used, 1);
});

test('IPv6, IPv4 inside it, and blocks without end', () => {
  const [a, b] = usageOf(
    ['a=127.0.0.2,fd00::2', 'b=fd00:1::/64'],
    [
      open('[::ffff:127.0.0.2]:40000', '[::ffff:127.0.0.1]:9092'),
      open('127.0.0.2:40001', '127.0.0.1:9092'),
      open('[fd00::2]:40001', '[::1]:9092'),
      open('[fd00:1::7]:40001', '[::1]:9092'),
    ],
  );
  assert.deepEqual(
    a.servers.map(({ server, used }) => `${server} ${used}`),
    ['127.0.0.1:9092 2', '[::1]:9092 1'],
  );
  assert.equal(a.addresses, 2);
  assert.equal(b.servers[0].addresses[0].address, 'fd00:1::7');
  assert.equal(b.addresses, Infinity);
});

test('TIME_WAIT counts until it may be taken again', () => {
  const wait = (local: string, remote: string, waited: number): Tale => ({
    ...open(local, remote, 'TIME_WAIT'),
    expires: 60_000 - waited,
  });
  const tales = [
    wait('127.0.0.2:40000', '127.0.0.1:80', 0),
    wait('127.0.0.2:40001', '127.0.0.1:80', 990),
    wait('127.0.0.2:40002', '127.0.0.1:80', 1010),
    wait('127.0.0.2:40003', '127.0.0.1:80', 59_000),
    wait('[fd00::2]:40003', '[fd00::3]:80', 59_000),
  ];
  const reusable = (mode: number) =>
    usageOf(['a=127.0.0.2,fd00::2'], tales, { mode })[0].servers.map(
      (server) => `${server.used} ${server.reusable}`,
    );
  assert.deepEqual(reusable(0), ['4 0', '1 0'], 'never');
  assert.deepEqual(
    reusable(2),
    ['4 2', '1 0'],
    'on the loopback: fd00::/8 is not known to be that',
  );
  assert.deepEqual(reusable(1), ['4 2', '1 1'], 'always');
});
