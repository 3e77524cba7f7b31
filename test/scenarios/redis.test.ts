/** A labelled client of a real redis cluster: its file holds its packets and no other's, to the byte. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacking } from '../requirements.js';
import { capture, labelNamed } from './capture.js';
import { assertIdentical, assertSamePackets } from './compare.js';
import { Endings } from './endings.js';
import { outputOf } from './process.js';
import { RedisCluster } from './redis.js';
import { clientOfInterest, startBackground, startEcho } from './traffic.js';
import { lbcapProgram } from './watch.js';

const skip = lacking('capture', 'redis-server', 'tcpdump', 'tshark', 'capinfos');

test('one client of a replicated redis, 127.0.0.2', { skip, timeout: 120_000 }, async (t) => {
  const endings = new Endings(t);
  const folder = await endings.scratchFolder();
  const cluster = await RedisCluster.start(folder, 2);
  endings.add(() => cluster.end());
  const background = await startBackground('127.0.0.1', cluster.port);
  endings.add(() => background.stop());

  const { ended, all, out } = await capture(
    folder,
    ['--label', 'kafka-client=127.0.0.2'],
    async () => {
      const before = background.commands();
      const commands = await clientOfInterest('127.0.0.1', cluster.port, '127.0.0.2');
      assert.ok(commands > 500, `${commands} commands`);
      assert.ok(background.commands() > before, 'the background client spoke meanwhile');
    },
  );

  const label = labelNamed(ended, 'kafka-client');
  assert.deepEqual(await readdir(out), ['kafka-client.pcap']);
  assert.equal((await stat(join(out, 'kafka-client.pcap'))).mode & 0o777, 0o600);
  assert.equal(label.filters.bpf, 'host 127.0.0.2');
  assert.equal(label.filters.wireshark, 'ip.addr==127.0.0.2');
  for (const words of ['kafka-client', '127.0.0.2', 'ip.addr==127.0.0.2', 'kafka-client.pcap'])
    assert.ok(ended.stderr.includes(words), `stderr says ${words}: ${ended.stderr}`);
  const [bpf, display] = ['host 127.0.0.2', 'ip.addr==127.0.0.2'];
  const expected = { all, bpf, display, scratch: folder };
  await assertSamePackets(label, expected);

  const split = join(folder, 'split');
  const words = ['split', all, '--label', 'kafka-client=127.0.0.2', '-o', split];
  await outputOf(process.execPath, lbcapProgram(), ...words);
  await assertIdentical(join(split, 'kafka-client.pcap'), expected);
});

test('a server on ::1, told apart by its port', { skip, timeout: 120_000 }, async (t) => {
  const endings = new Endings(t);
  const folder = await endings.scratchFolder();
  // No replicas: they would speak to the labelled port before and after lbcap listens.
  const cluster = await RedisCluster.start(folder, 0, '::1');
  endings.add(() => cluster.end());
  const other = await RedisCluster.start(join(folder, 'other'), 0, '::1');
  endings.add(() => other.end());
  const background = await startBackground('::1', other.port);
  endings.add(() => background.stop());

  const address = `[::1]:${cluster.port}`;
  const { ended, all } = await capture(folder, ['--label', `a=${address}`], async () => {
    await clientOfInterest('::1', cluster.port);
  });

  await assertSamePackets(labelNamed(ended, 'a'), {
    all,
    bpf: `ip6 host ::1 and tcp port ${cluster.port}`,
    display: `ipv6.addr==::1 && tcp.port==${cluster.port}`,
    scratch: folder,
  });
});

test('two labelled peers: each file has their talk', { skip, timeout: 120_000 }, async (t) => {
  const endings = new Endings(t);
  const folder = await endings.scratchFolder();
  const peer = await startEcho('127.0.0.22');
  endings.add(() => peer.server.close());
  const stranger = await startEcho('127.0.0.23');
  endings.add(() => stranger.server.close());

  const exchange = async (from: string, host: string, port: number): Promise<void> => {
    const socket = connect({ host, port, localAddress: from });
    await once(socket, 'connect');
    for (let i = 1; i <= 100; i++) {
      socket.write(Buffer.alloc(i * 100, i));
      for (let got = 0; got < i * 100;) {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        got += chunk.length;
      }
    }
    socket.end();
    await once(socket, 'close');
  };
  const { ended, all } = await capture(
    folder,
    ['--label', 'a=127.0.0.21', '--label', 'b=127.0.0.22'],
    async () => {
      await Promise.all([
        exchange('127.0.0.21', '127.0.0.22', peer.port),
        exchange('127.0.0.21', '127.0.0.23', stranger.port),
        exchange('127.0.0.22', '127.0.0.23', stranger.port),
      ]);
    },
  );

  const [a, b] = [labelNamed(ended, 'a'), labelNamed(ended, 'b')];
  for (const [label, host] of [
    [a, '127.0.0.21'],
    [b, '127.0.0.22'],
  ] as const) {
    const display = `ip.addr==${host}`;
    await assertSamePackets(label, { all, bpf: `host ${host}`, display, scratch: folder });
  }
});
