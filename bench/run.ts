/** What `lbcap run` costs: a connection, by either method, and the start of a program. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { lbcapProgram } from '../test/scenarios/watch.js';
import { median, say, verdict } from './report.js';

const rounds = 41;
/** Short slices, and many: what disturbs the machine then disturbs both of a pair. */
const slices = 301;
const cycles = { bpf: 500, seccomp: 100 } as const;
const limits = { bpfRatio: 1.03, startFactor: 1.5, startMilliseconds: 30 } as const;

// Certificates named there are read at each start of Node, which is nothing of lbcap's.
const env = { ...process.env };
delete env['NODE_EXTRA_CA_CERTS'];

function runWords(...options: readonly string[]): string[] {
  return [lbcapProgram(), 'run', '-q', ...options, 'bench=127.0.0.2', '--'];
}

/** A program that takes its time when it is asked to. */
class Worker {
  readonly #child;
  readonly #lines: AsyncIterator<string>;

  constructor(words: readonly string[]) {
    const [name, ...rest] = words;
    this.#child = spawn(name, rest, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Microseconds for one cycle. */
  async slice(): Promise<number> {
    this.#child.stdin.write('\n');
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the program ended');
    return Number(line.value) / 1000;
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}

function milliseconds(name: string, words: readonly string[]): number {
  const from = process.hrtime.bigint();
  const { status } = spawnSync(name, words, { env, stdio: 'ignore' });
  if (status !== 0) throw new Error(`${name} ${words.join(' ')}: ${status}`);
  return Number(process.hrtime.bigint() - from) / 1e6;
}

/** Pairs, in turn and in both orders, so that neither has the warmer machine. */
async function pairs(
  count: number,
  plain: () => number | Promise<number>,
  bound: () => number | Promise<number>,
): Promise<[number, number][]> {
  const found: [number, number][] = [];
  for (let index = 0; index < count; index += 1) {
    if (index % 2 === 0) {
      const first = await plain();
      found.push([first, await bound()]);
    } else {
      const second = await bound();
      found.push([await plain(), second]);
    }
  }
  return found;
}

/** Prints a pair's medians. @returns them, and the median of the pairs' ratios */
function tell(what: string, values: readonly [number, number][], unit: string) {
  const plain = median(values.map(([one]) => one));
  const bound = median(values.map(([, other]) => other));
  const ratio = median(values.map(([one, other]) => other / one));
  say(`  ${what}: ${plain.toFixed(1)} ${unit} without, ${bound.toFixed(1)} ${unit} with`);
  return { plain, bound, ratio };
}

/** @param directory for the program that connects @returns whether all is within its limit */
export async function measureRun(directory: string): Promise<boolean> {
  const program = join(directory, 'cycle');
  execFileSync('cc', ['-O2', '-o', program, 'bench/cycle.c']);
  let kept = true;
  for (const [what, way] of [
    ['connect + accept + close', 'connect'],
    ['sendto + recv', 'sendto'],
  ] as const) {
    say(`${what}, medians of ${slices} alternating pairs`);
    for (const method of ['bpf', 'seccomp'] as const) {
      const cycle = [program, way, String(cycles[method])];
      const plain = new Worker(cycle);
      const bound = new Worker([process.execPath, ...runWords('--method', method), ...cycle]);
      const values = await pairs(
        slices,
        () => plain.slice(),
        () => bound.slice(),
      );
      await plain.end();
      await bound.end();
      const { ratio } = tell(method, values, 'us');
      if (method === 'bpf' && way === 'connect') {
        kept = verdict(`${what}, bpf : without`, ratio, limits.bpfRatio, ' x') && kept;
      }
    }
  }
  say(`Start of a program, medians of ${rounds} alternating pairs`);
  const start = await pairs(
    rounds,
    () => milliseconds(process.execPath, ['-e', '0']),
    () => milliseconds(process.execPath, [...runWords(), 'true']),
  );
  const { plain } = tell('node -e 0, and lbcap run -- true', start, 'ms');
  const over = median(start.map(([node, run]) => run - limits.startFactor * node));
  say(`  1.5 x node -e 0 is ${(limits.startFactor * plain).toFixed(1)} ms`);
  return (
    verdict('lbcap run -- true, beyond 1.5 x node -e 0', over, limits.startMilliseconds, ' ms') &&
    kept
  );
}
