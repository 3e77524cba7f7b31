/** How long `lbcap ports` takes with 200,000 sockets open, against `ss -tan | wc -l`. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NetworkNamespace } from '../test/scenarios/namespace.js';
import { RunningProgram } from '../test/scenarios/process.js';
import { lbcapProgram } from '../test/scenarios/watch.js';
import { median } from './report.js';

/** Each is two sockets on a loopback. */
const connections = 100_000;
const pool = 'pool=127.0.40.8/29';

export interface PortTimes {
  /** Milliseconds. */
  readonly ss: number;
  readonly lbcap: number;
  /** Of `cat /proc/net/tcp >/dev/null`. */
  readonly proc: number;
  /** As ss counts them. */
  readonly sockets: number;
}

/** In a namespace of its own, so that nobody else's sockets are counted. */
export async function measurePorts(runs: number): Promise<PortTimes> {
  const folder = mkdtempSync(join(tmpdir(), 'lbcap-bench-'));
  const program = join(folder, 'hold');
  const space = await NetworkNamespace.create();
  const started: RunningProgram[] = [];
  const start = (...words: readonly string[]) => {
    const [command, ...rest] = space.words(...words);
    const running = new RunningProgram(command, rest);
    started.push(running);
    return running;
  };
  try {
    execFileSync('cc', ['-O1', '-o', program, 'test/scenarios/clients/hold.c']);
    const server = start(program, 'serve');
    await server.waitFor('stdout', /port [0-9]+\n/);
    const port = /[0-9]+/.exec(server.stdout)?.[0] ?? '';
    const run = [process.execPath, lbcapProgram(), 'run', '-q', '--pool', pool, '--'];
    const client = start(...run, program, 'connect', port, String(connections));
    await client.waitFor('stdout', /held [0-9]+\n/, 180_000);
    const time = (...words: readonly string[]) => timeOf(space.words(...words));
    const times = { ss: [] as number[], lbcap: [] as number[], proc: [] as number[] };
    for (let i = 0; i < runs; i++) {
      times.ss.push(time('sh', '-c', 'ss -tan | wc -l'));
      times.lbcap.push(time(process.execPath, lbcapProgram(), 'ports', '-l', pool));
      times.proc.push(time('sh', '-c', 'cat /proc/net/tcp >/dev/null'));
    }
    const sockets = Number(space.run('sh', '-c', 'ss -tanH | wc -l'));
    return {
      ss: median(times.ss),
      lbcap: median(times.lbcap),
      proc: median(times.proc),
      sockets,
    };
  } finally {
    for (const running of started.reverse()) await running.end('SIGTERM', 60_000);
    space.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function timeOf([command, ...words]: readonly string[]): number {
  const env = { ...process.env };
  // Certificates named there are read at each start of Node, which is nothing of lbcap's.
  delete env['NODE_EXTRA_CA_CERTS'];
  const before = performance.now();
  const { status, stderr } = spawnSync(command, words, { env });
  if (status !== 0) throw new Error(String(stderr));
  return performance.now() - before;
}
