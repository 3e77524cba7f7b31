/** `npm run demo`: a replicated cluster, a busy neighbour, one labelled client; real packets throughout. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hasProgram } from '../requirements.js';
import { readPcap, type PcapRecord } from './pcap.js';
import { RedisCluster } from './redis.js';
import { RespClient } from './resp.js';
import { SmallCluster } from './small-cluster.js';
import { startBackground } from './traffic.js';
import { lbcapProgram } from './watch.js';

const address = '127.0.0.2';
const label = `kafka-client=${address}`;
const seconds = 6;

function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** A client as one that is being debugged: works in bursts, now and then connects anew. */
async function client(port: number, ended: AbortSignal): Promise<number> {
  let commands = 0;
  while (!ended.aborted) {
    const connection = await RespClient.connect('127.0.0.1', port, address);
    for (let i = 0; i < 10 && !ended.aborted; i++) {
      await connection.command('SET', `order:${i}`, Buffer.alloc(1 << (8 + i), i));
      await connection.command('GET', `order:${i}`);
      commands += 2;
      await pause(60);
    }
    await connection.close();
  }
  return commands;
}

/** True when the IPv4 source or destination is the client's. An Ethernet header is 14 bytes. */
function isClients({ data }: PcapRecord): boolean {
  const bytes = Buffer.from(address.split('.').map(Number));
  return data.subarray(26, 30).equals(bytes) || data.subarray(30, 34).equals(bytes);
}

async function demo(): Promise<void> {
  const root = process.getuid?.() === 0;
  if (!root && !hasProgram('sudo'))
    throw new Error('capturing needs root, and sudo is not installed: run it as root');

  const folder = await mkdtemp(join(tmpdir(), 'lbcap-demo-'));
  const out = join(folder, 'capture');
  const redis = hasProgram('redis-server');
  say('One cluster, one port, several clients: which packets are mine?');
  say();
  const cluster = redis
    ? await RedisCluster.start(join(folder, 'redis'), 2)
    : await SmallCluster.start(2);
  try {
    const { port } = cluster;
    say(`  cluster    ${redis ? 'redis-server' : 'a leader of our own'} on 127.0.0.1:${port}`);
    say(`  replicas   two, from 127.0.0.1, over that very port`);
    say(`  neighbour  a client on 127.0.0.1, busy on that very port`);
    say(`  mine       a client on ${address}`);
    say();

    const neighbour = await startBackground('127.0.0.1', port);
    const end = new AbortController();
    const mine = client(port, end.signal);
    // Whoever awaits it below is told; a failure before that must not end the demo unseen.
    mine.catch(() => undefined);
    const words = ['watch', '--label', label, '--duration', `${seconds}s`, '-o', out];
    say(`$ ${root ? '' : 'sudo '}lbcap ${words.join(' ')}`);
    const command = [...(root ? [] : ['sudo']), process.execPath, lbcapProgram(), ...words];
    const before = neighbour.commands();
    const watch = spawn(command[0] ?? '', command.slice(1), { stdio: 'inherit' });
    // Ctrl-C reaches lbcap by itself: it ends the capture, and with it this.
    process.on('SIGINT', () => undefined);
    const [status] = (await once(watch, 'close')) as [number | null];
    const theirs = neighbour.commands() - before;
    end.abort();
    const commands = await mine;
    await neighbour.stop();
    if (status !== 0) throw new Error(`lbcap watch ended with status ${status ?? 'by a signal'}`);

    const file = join(out, 'kafka-client.pcap');
    if (!existsSync(file)) throw new Error(`${file} is not there`);
    const records = readPcap(file);
    const strays = records.filter((record) => !isClients(record)).length;
    say();
    say(`Proof, read packet by packet without lbcap:`);
    say(`  ${records.length} packets in ${file}`);
    say(`  ${records.length - strays} of them from or to ${address}, ${strays} of anybody else`);
    say(`  meanwhile ${commands} commands of mine, ${theirs} of the neighbour over the same port`);
    say();
    say(`$ lbcap filter --label ${label}`);
    spawnSync(process.execPath, [lbcapProgram(), 'filter', '--label', label], { stdio: 'inherit' });
    if (strays > 0 || records.length === 0) throw new Error('the file is not what it should be');
  } finally {
    await cluster.end();
    await rm(join(folder, 'redis'), { recursive: true, force: true });
  }
  say();
  say(`The cluster and its clients are gone; the capture stays until you remove it:`);
  say(`  rm -r ${folder}`);
}

demo().catch((error: unknown) => {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
