/** IPv6 has one loopback address: labels by port, on added addresses, and IPv4 inside IPv6 sockets. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { lacking } from '../requirements.js';
import { Endings } from './endings.js';
import { NetworkNamespace } from './namespace.js';
import { readPcap } from './pcap.js';
import { outputOf, RunningProgram } from './process.js';
import { lbcapProgram, type EndEvent } from './watch.js';

const skip = lacking('capture', 'tcpdump', 'tshark', 'ip', 'unshare', 'nsenter', 'python3');

/** Filters by hand, not lbcap's own; packets are counted from `exchanges` below. */
const labels = [
  { label: 'broker=[::1]:9092', bpf: 'ip6 and port 9092', display: 'ipv6 && udp.port==9092' },
  { label: 'other=[::1]:9093', bpf: 'ip6 and port 9093', display: 'ipv6 && udp.port==9093' },
  { label: 'added=fd00::2', bpf: 'ip6 host fd00::2', display: 'ipv6.addr==fd00::2' },
  { label: 'mapped=::ffff:127.0.0.2', bpf: 'ip host 127.0.0.2', display: 'ip.addr==127.0.0.2' },
] as const;

const lbcap = [process.execPath, lbcapProgram()];
const client = ['python3', resolve('test/scenarios/clients/dual-stack.py')];

/** Each of so many datagrams there and back; the address that the client has then. */
const exchanges = [
  { by: [], count: 10, to: ['::1', '9092'], from: '::1', in: ['broker'] },
  { by: [], count: 20, to: ['::1', '9093'], from: '::1', in: ['other'] },
  { by: [], count: 5, to: ['::1', '9094'], from: '::1', in: [] },
  {
    by: [...lbcap, 'run', '-q', 'added=fd00::2', '--'],
    ...{ count: 30, to: ['::1', '9092'], from: 'fd00::2', in: ['broker', 'added'] },
  },
  {
    by: [...lbcap, 'run', '-q', 'mapped=::ffff:127.0.0.2', '--'],
    ...{ count: 40, to: ['::ffff:127.0.0.1', '9092'], from: '::ffff:127.0.0.2', in: ['mapped'] },
  },
  {
    by: [],
    ...{ count: 15, to: ['::ffff:127.0.0.1', '9092', '::ffff:127.0.0.2'] },
    ...{ from: '::ffff:127.0.0.2', in: ['mapped'] },
  },
] as const;

const sent = (which: readonly (typeof exchanges)[number][]) =>
  which.reduce((sum, { count }) => sum + 2 * count, 0);

test('labels on ::1 and beside it', { skip, timeout: 60_000 }, async (t) => {
  const endings = new Endings(t);
  const folder = await endings.scratchFolder();
  const space = await NetworkNamespace.create();
  endings.add(() => space.close());
  const start = async (stream: 'stdout' | 'stderr', ready: RegExp, ...words: string[]) => {
    const [program, ...rest] = space.words(...words);
    const running = new RunningProgram(program, rest);
    endings.add(() => running.end());
    await running.waitFor(stream, ready);
    return running;
  };
  const options = labels.flatMap(({ label }) => ['-l', label]);
  // Only fd00::2 is missing: Linux has 127.0.0.2 and ::1.
  assert.match(space.run(...lbcap, 'alias', 'add', '--dry-run', ...options), /fd00::2/);
  space.run(...lbcap, 'alias', 'add', ...options);
  assert.match(space.run('ip', '-6', 'addr', 'show', 'lo'), /inet6 fd00::2\/128/);
  const echo = [resolve('test/scenarios/clients/echo6.py'), '9092', '9093', '9094'];
  await start('stdout', /ready/, 'python3', ...echo);

  // Nobody else is in the namespace, so tcpdump ends with the last packet.
  const all = join(folder, 'all.pcap');
  const capture = ['-i', 'lo', '-U', '-Z', 'root', '-c', String(sent(exchanges)), '-w', all, 'udp'];
  const tcpdump = await start('stderr', /listening on/, 'tcpdump', ...capture);
  const words = ['watch', '--json', '--others', '-f', 'udp', '-o', join(folder, 'out'), ...options];
  const watch = await start('stdout', /"event":"start"/, ...lbcap, ...words);
  for (const { by, count, to, from } of exchanges)
    assert.equal(space.run(...by, ...client, String(count), ...to), `${from}\n`);
  assert.equal((await tcpdump.exited).code, 0, tcpdump.stderr);
  assert.equal((await watch.end('SIGINT')).code, 0, watch.stderr);
  assert.match(watch.stderr, /240 packets in = 230 in at least one label \+ 10 others/);

  const end = JSON.parse(watch.stdout.trimEnd().split('\n').at(-1) ?? '') as EndEvent;
  const data = (file: string) => readPcap(file).map((record) => record.data.toString('hex'));
  for (const [index, { bpf, display }] of labels.entries()) {
    const { name, packets, file, filters } = end.labels[index];
    const its = exchanges.filter((each) => (each.in as readonly string[]).includes(name));
    assert.equal(packets, sent(its), name);
    const ours = data(file ?? '');
    assert.equal(ours.length, packets, name);
    for (const filter of [bpf, filters.bpf]) {
      const theirs = join(folder, 'tcpdump.pcap');
      await outputOf('tcpdump', '-Z', 'root', '-r', all, '-w', theirs, filter);
      assert.deepEqual(ours, data(theirs), filter);
    }
    for (const filter of [display, filters.wireshark]) {
      const theirs = join(folder, 'tshark.pcap');
      await outputOf('tshark', '-n', '-r', all, '-Y', filter, '-F', 'pcap', '-w', theirs);
      assert.deepEqual(ours, data(theirs), filter);
    }
  }
});
