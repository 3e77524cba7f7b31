/** What the clients of the scenarios do. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { RespClient } from './resp.js';

/** A client that keeps a server busy until it is told to stop. */
export interface Background {
  /** Commands answered so far. */
  readonly commands: () => number;
  stop(): Promise<void>;
}

/** Reads and writes small values, some thousand a second: busy, but tcpdump and tshark keep up. */
export async function startBackground(host: string, port: number): Promise<Background> {
  const client = await RespClient.connect(host, port);
  let commands = 0;
  let stopping = false;
  const working = (async (): Promise<void> => {
    while (!stopping) {
      await client.command('SET', `background:${commands % 100}`, 'x'.repeat(commands % 500));
      await client.command('GET', `background:${commands % 100}`);
      commands += 2;
      if (commands % 20 === 0) await pause(4);
    }
    await client.close();
  })();
  // Told by stop(): before it, nobody listens.
  working.catch(() => undefined);
  return {
    commands: () => commands,
    stop: async () => {
      stopping = true;
      await working;
    },
  };
}

/**
 * The client of interest: several hundred commands over several connections in turn, pipelined ones,
 * values of up to a megabyte both ways, one reset. Resolves when its last packet has been sent.
 */
export async function clientOfInterest(host: string, port: number, from?: string): Promise<number> {
  let commands = 0;
  for (let round = 0; round < 6; round++) {
    const client = await RespClient.connect(host, port, from);
    for (let i = 0; i < 50; i++) {
      await client.command('SET', `client:${round}:${i}`, `value ${i}`);
      const value = await client.command('GET', `client:${round}:${i}`);
      if (String(value) !== `value ${i}`) throw new Error(`redis answered ${String(value)}`);
      commands += 2;
    }
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => client.command('INCRBY', 'client:sum', String(i))),
    );
    commands += 40;
    const large = randomBytes(1 << (15 + round));
    await client.command('SET', 'client:large', large);
    const back = await client.command('GET', 'client:large');
    if (!(back instanceof Buffer) || !back.equals(large)) throw new Error('a large value differs');
    commands += 2;
    if (round === 3) await client.reset();
    else await client.close();
  }
  return commands;
}

/** A server that sends back what it gets, for peers that are no redis. */
export async function startEcho(host: string): Promise<{ port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  }).listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { port: address.port, server };
}
