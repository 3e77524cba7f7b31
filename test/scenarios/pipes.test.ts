/** Captures that others take: tcpdump's stream while it comes, and bridged containers by `-i any`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ownAddress, Sender } from '../live/traffic.js';
import { lacking } from '../requirements.js';
import { assertIdentical } from './compare.js';
import { Endings } from './endings.js';
import { NetworkNamespace } from './namespace.js';
import { outputOf, RunningProgram } from './process.js';
import { lockedRoot, startSshd } from './sshd.js';
import { lbcapProgram, type EndEvent } from './watch.js';

function endOf({ stdout }: RunningProgram): EndEvent {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as EndEvent;
}

/**
 * The stream of a tcpdump that ends by itself, so that all it saw is through the pipe when lbcap has
 * its end: the table follows it, the files have what it has.
 *
 * @param run words in front of tcpdump's, which are one word then
 */
async function followStream(
  t: TestContext,
  endings: Endings,
  folder: string,
  run: readonly string[],
): Promise<void> {
  const [all, out] = [join(folder, 'all.pcap'), join(folder, 'out')];
  const [a, b, nobody] = [ownAddress(), ownAddress(), ownAddress()];
  const senders = await Promise.all([a, b, nobody].map((address) => Sender.at(address)));
  endings.add(() => senders.forEach((sender) => sender.close()));
  const tcpdump = `tcpdump -i lo -U -Z root -c 900 -w - 'host ${a} or host ${b} or host ${nobody}'`;
  const script = `"$@" | tee "${all}" |
    "${process.execPath}" "${lbcapProgram()}" watch -r - --json -o "${out}" -l a=${a} -l b=${b}`;
  const pipeline = new RunningProgram('sh', ['-c', script, 'sh', ...run, tcpdump]);
  endings.add(() => pipeline.end());
  await pipeline.waitFor('stdout', /"event":"start"/);

  const began = performance.now();
  for (const sender of senders) await sender.send(100);
  // The stream goes on, and what came is in the table.
  await pipeline.waitFor('stdout', /"event":"sample".*"packets":300,/);
  t.diagnostic(`300 packets are in the table ${Math.round(performance.now() - began)} ms later`);
  for (const sender of senders) await sender.send(200);
  assert.deepEqual(await pipeline.exited, { code: 0, signal: null }, pipeline.stderr);

  assert.match(pipeline.stderr, /900 packets in = 600 in at least one label \+ 300 others/);
  for (const [index, address] of [a, b].entries()) {
    const label = endOf(pipeline).labels[index];
    assert.equal(label.packets, 300);
    const display = `ip.addr==${address}`;
    const expected = { all, bpf: `host ${address}`, display, scratch: folder };
    await assertIdentical(label.file ?? '', expected);
  }
}

test(
  'tcpdump -U -w - | lbcap watch -r -',
  { skip: lacking('capture', 'tcpdump', 'tee'), timeout: 30_000 },
  async (t) => {
    const endings = new Endings(t);
    await followStream(t, endings, await endings.scratchFolder(), ['sh', '-c']);
  },
);

test(
  'ssh host tcpdump -U -w - | lbcap watch -r -',
  {
    skip: lacking('capture', 'tcpdump', 'tee', 'ssh', 'ssh-keygen', 'sshd') || lockedRoot(),
    timeout: 30_000,
  },
  async (t) => {
    const endings = new Endings(t);
    const folder = await endings.scratchFolder();
    await followStream(t, endings, folder, await startSshd(folder, endings));
  },
);

/** A script for a container: sends this many datagrams of 100 bytes to the bridge. */
const datagrams = `import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('172.18.0.1', 9092))
for i in range(int(sys.argv[1])):
    s.send(i.to_bytes(4, 'big') * 25)
    s.recv(200)
`;

const echo = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('172.18.0.1', 9092))
print('ready', flush=True)
while True:
    data, peer = s.recvfrom(200)
    s.sendto(data, peer)
`;

/** A network as Docker makes it: a bridge, and containers behind pairs of veth. */
async function bridged(endings: Endings, addresses: readonly string[]) {
  const host = await NetworkNamespace.create();
  endings.add(() => host.close());
  host.run('ip', 'link', 'add', 'docker0', 'type', 'bridge');
  host.run('ip', 'addr', 'add', '172.18.0.1/24', 'dev', 'docker0');
  host.run('ip', 'link', 'set', 'docker0', 'up');
  const containers: NetworkNamespace[] = [];
  for (const [index, address] of addresses.entries()) {
    const container = await NetworkNamespace.create();
    endings.add(() => container.close());
    const [here, there] = [`veth${index}`, `name eth0 netns ${container.pid}`.split(' ')];
    host.run('ip', 'link', 'add', here, 'type', 'veth', 'peer', ...there);
    host.run('ip', 'link', 'set', here, 'master', 'docker0', 'up');
    container.run('ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    container.run('ip', 'link', 'set', 'eth0', 'up');
    containers.push(container);
  }
  return { host, containers };
}

/** What tshark reads of each packet: interface, addresses, identification, payload. */
function packets(file: string): Promise<string> {
  const fields = ['sll.ifindex', 'sll.pkttype', 'ip.src', 'ip.dst', 'ip.id', 'udp.payload'];
  const words = fields.flatMap((field) => ['-e', field]);
  return outputOf('tshark', '-n', '-r', file, '-T', 'fields', ...words);
}

test(
  "a bridge's containers, by -i any",
  {
    skip: lacking('capture', 'tcpdump', 'tshark', 'ip', 'unshare', 'nsenter', 'python3'),
    timeout: 60_000,
  },
  async (t) => {
    const endings = new Endings(t);
    const folder = await endings.scratchFolder();
    const addresses = ['172.18.0.2', '172.18.0.3'];
    const { host, containers } = await bridged(endings, addresses);
    const start = async (stream: 'stdout' | 'stderr', ready: RegExp, ...words: string[]) => {
      const [program, ...rest] = host.words(...words);
      const running = new RunningProgram(program, rest);
      endings.add(() => running.end());
      await running.waitFor(stream, ready);
      return running;
    };
    await start('stdout', /ready/, 'python3', '-c', echo);

    // 60 questions and their answers, each on the veth and on the bridge; and 40.
    const [of2, of3] = [4 * 60, 4 * 40];
    const all = join(folder, 'all.pcap');
    const capture = ['tcpdump', '-i', 'any', '-U', '-Z', 'root', '-w'];
    const only = ['-c', String(of2 + of3), 'udp port 9092'];
    const tcpdump = await start('stderr', /listening on any/, ...capture, all, ...only);
    const lbcap = [process.execPath, lbcapProgram(), 'watch', '--json', '-l', 'web=172.18.0.2'];
    const own = join(folder, 'own');
    const words = ['-i', 'any', '-o', own, '-f', 'udp'];
    const watch = await start('stdout', /"event":"start"/, ...lbcap, ...words);
    for (const [index, count] of [60, 40].entries())
      containers[index].run('python3', '-c', datagrams, String(count));
    assert.equal((await tcpdump.exited).code, 0, tcpdump.stderr);
    assert.equal((await watch.end('SIGINT')).code, 0, watch.stderr);

    const piped = join(folder, 'piped');
    const pipe = `cat "${all}" | "$@"`;
    const read = ['-r', '-', '--others', '-o', piped];
    const second = new RunningProgram('sh', ['-c', pipe, 'sh', ...lbcap, ...read]);
    assert.equal((await second.exited).code, 0, second.stderr);
    assert.match(second.stderr, /400 packets in = 240 in at least one label \+ 160 others/);

    const theirs = join(folder, 'web.tcpdump.pcap');
    await outputOf('tcpdump', '-Z', 'root', '-r', all, '-w', theirs, 'host 172.18.0.2');
    const file = join(piped, 'web.pcap');
    // LINKTYPE_LINUX_SLL2, as tcpdump captures.
    for (const each of [file, join(own, 'web.pcap')])
      assert.equal(readFileSync(each).readUInt32LE(20), 276);
    assert.ok(readFileSync(file).subarray(24).equals(readFileSync(theirs).subarray(24)));

    assert.equal(endOf(watch).labels[0].packets, of2);
    assert.equal(endOf(watch).kernelDropped, 0);
    assert.equal(await packets(join(own, 'web.pcap')), await packets(theirs));
  },
);
