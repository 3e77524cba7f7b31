/** How long `lbcap ports` takes with 200,000 sockets open, against `ss -tan | wc -l`. */
import { spawnSync } from 'node:child_process';
import { Holding } from '../test/scenarios/holding.js';
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
  const holding = await Holding.start({ connections, pool, timeout: 180_000 });
  const { space } = holding;
  try {
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
    await holding.close();
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
