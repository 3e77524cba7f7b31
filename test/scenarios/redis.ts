/** A redis server with replicas on this machine: replication runs over the port that clients use. */
import { mkdir } from 'node:fs/promises';
import { freePort, RunningProgram, waitForPort } from './process.js';
import { RespClient } from './resp.js';

/** A server and its replicas, each a process of its own on 127.0.0.1. */
export class RedisCluster {
  readonly port: number;
  readonly #servers: readonly RunningProgram[];

  private constructor(port: number, servers: readonly RunningProgram[]) {
    this.port = port;
    this.#servers = servers;
  }

  /** Resolves once every replica has acknowledged a write. */
  static async start(folder: string, replicas: number, host = '127.0.0.1'): Promise<RedisCluster> {
    const servers: RunningProgram[] = [];
    try {
      const port = await freePort(host);
      servers.push(await startServer(`${folder}/server`, host, port));
      for (let i = 1; i <= replicas; i++) {
        const words = ['--replicaof', host, String(port)];
        servers.push(
          await startServer(`${folder}/replica-${i}`, host, await freePort(host), words),
        );
      }
      const client = await RespClient.connect(host, port);
      await client.command('SET', 'ready', 'yes');
      // WAIT resolves when that many replicas have acknowledged every write before it.
      const acknowledged = await client.command('WAIT', String(replicas), '20000');
      await client.close();
      if (acknowledged !== replicas)
        throw new Error(`${String(acknowledged)} of ${replicas} replicas are in step`);
      return new RedisCluster(port, servers);
    } catch (error) {
      await endAll(servers);
      throw error;
    }
  }

  async end(): Promise<void> {
    await endAll(this.#servers);
  }
}

async function startServer(
  folder: string,
  host: string,
  port: number,
  more: readonly string[] = [],
): Promise<RunningProgram> {
  await mkdir(folder, { recursive: true });
  const server = new RunningProgram('redis-server', [
    ...[
      '--port',
      String(port),
      '--bind',
      host,
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
    ],
    // It listens on loopback only; its protected mode would still refuse 127.0.0.2.
    ...['--protected-mode', 'no'],
    // Without the five seconds that a primary else waits for more replicas to come.
    ...['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'],
    // And the ten seconds that it waits at its end for replicas which are gone.
    ...['--shutdown-timeout', '0', '--daemonize', 'no'],
    ...more,
  ]);
  await Promise.race([
    waitForPort(host, port),
    server.exited.then(() => {
      throw new Error(`redis-server ended: ${server.stdout}${server.stderr}`);
    }),
  ]);
  return server;
}

async function endAll(servers: readonly RunningProgram[]): Promise<void> {
  // Replicas first: a server that ends under them would only make them complain.
  for (const server of [...servers].reverse()) await server.end('SIGTERM');
}
