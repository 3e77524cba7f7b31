/** What `lbcap run` costs: a connection, by either method, and the start of a program. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const rounds = 21;
/** Short slices, and many: what disturbs the machine then disturbs both of a pair. */
const slices = 301;
const cycles = { bpf: 500, seccomp: 100 } as const;
const limits = { bpfRatio: 1.03, startFactor: 1.5, startMilliseconds: 30 } as const;

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: { lbcap: string } };
const lbcap = resolve(manifest.bin.lbcap);
// Certificates named there are read at each start of Node, which is nothing of lbcap's.
const env = { ...process.env };
delete env['NODE_EXTRA_CA_CERTS'];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function runWords(...options: readonly string[]): string[] {
  return [lbcap, 'run', '-q', ...options, 'bench=127.0.0.2', '--'];
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

  /** Microseconds for connect + accept + close. */
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

function report(name: string, values: readonly [number, number][], unit: string): [number, number] {
  const plain = median(values.map(([one]) => one));
  const bound = median(values.map(([, other]) => other));
  const ratio = median(values.map(([one, other]) => other / one));
  process.stdout.write(
    `${name}: ${plain.toFixed(1)} ${unit} without, ${bound.toFixed(1)} ${unit} with; median of ${values.length} ratios ${ratio.toFixed(3)}\n`,
  );
  return [plain, bound];
}

const directory = mkdtempSync(join(tmpdir(), 'lbcap-bench-'));
try {
  const program = join(directory, 'cycle');
  execFileSync('gcc', ['-O2', '-o', program, 'bench/connect-cycle.c']);
  let failed = false;
  for (const method of ['bpf', 'seccomp'] as const) {
    const cycle = [program, String(cycles[method])];
    const plain = new Worker(cycle);
    const bound = new Worker([process.execPath, ...runWords('--method', method), ...cycle]);
    const values = await pairs(
      slices,
      () => plain.slice(),
      () => bound.slice(),
    );
    await plain.end();
    await bound.end();
    report(`connect + accept + close, ${method}`, values, 'µs');
    const ratio = median(values.map(([one, other]) => other / one));
    if (method === 'bpf' && ratio > limits.bpfRatio) failed = true;
  }
  const start = await pairs(
    rounds,
    () => milliseconds(process.execPath, ['-e', '0']),
    () => milliseconds(process.execPath, [...runWords(), 'true']),
  );
  const [node, run] = report('start-up, node -e 0 and lbcap run -- true', start, 'ms');
  const allowed = limits.startFactor * node + limits.startMilliseconds;
  process.stdout.write(`start-up allowed: ${allowed.toFixed(1)} ms\n`);
  if (run > allowed) failed = true;
  process.exitCode = failed ? 1 : 0;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
