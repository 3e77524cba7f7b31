/** How long `lbcap doctor` takes: with every right, and for a user who has none and is told why. */
import { spawnSync } from 'node:child_process';
import { lbcapProgram } from '../test/scenarios/watch.js';
import { median, say, verdict } from './report.js';

const runs = 11;
/** Of the median, in seconds. */
const limit = 1;

const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const words = ['doctor', '--labels', 'fixtures/no-labels.json', '-l', 'a=127.0.0.2'];

export function measureDoctor(folder: string): boolean {
  // The extcap directory is looked for at home, and root's is closed to others.
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: folder };
  // Certificates named there are read at each start of Node, which is nothing of lbcap's.
  delete env['NODE_EXTRA_CA_CERTS'];
  const seconds = (prefix: readonly string[]) => {
    const [program = '', ...rest] = [...prefix, process.execPath, lbcapProgram(), ...words];
    const before = performance.now();
    const ended = spawnSync(program, rest, { env, encoding: 'utf8' });
    // 1: something is missing, which is what nobody is told.
    if (ended.status !== 0 && ended.status !== 1)
      throw new Error(`${ended.status}: ${ended.stdout}${ended.stderr}`);
    return (performance.now() - before) / 1000;
  };
  const times = { root: [] as number[], nobody: [] as number[] };
  for (let i = 0; i < runs; i += 1) {
    times.root.push(seconds([]));
    // dumpcap is asked then, too.
    times.nobody.push(seconds(nobody));
  }
  say(`Doctor, a label, medians of ${runs} alternating runs`);
  const slowest = Math.max(...times.root, ...times.nobody);
  say(`  the slowest of them all ${slowest.toFixed(2)} s`);
  const asRoot = verdict('lbcap doctor, as root', median(times.root), limit, ' s');
  return verdict('lbcap doctor, as nobody', median(times.nobody), limit, ' s') && asRoot;
}
