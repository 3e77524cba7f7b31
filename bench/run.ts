/** What `lbcap run` costs: a connection, by either method, and the start of a program. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const rounds = 21;
const cycles = { bpf: 20_000, seccomp: 2_000 } as const;
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

/** Nanoseconds for connect + accept + close, as the program itself took them. */
function cycle(program: string, count: number, words: readonly string[]): number {
  const [name, ...rest] = [...words, program, String(count)];
  return Number(execFileSync(name, rest, { env, encoding: 'utf8' }));
}

function milliseconds(name: string, words: readonly string[]): number {
  const from = process.hrtime.bigint();
  const { status } = spawnSync(name, words, { env, stdio: 'ignore' });
  if (status !== 0) throw new Error(`${name} ${words.join(' ')}: ${status}`);
  return Number(process.hrtime.bigint() - from) / 1e6;
}

/** Pairs, in turn and in both orders, so that neither has the warmer machine. */
function pairs(count: number, plain: () => number, bound: () => number): [number, number][] {
  return Array.from({ length: count }, (_, index) => {
    if (index % 2 === 0) {
      const first = plain();
      return [first, bound()];
    }
    const second = bound();
    return [plain(), second];
  });
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
    const count = cycles[method];
    const words = [process.execPath, ...runWords('--method', method)];
    const values = pairs(
      rounds,
      () => cycle(program, count, []) / 1000,
      () => cycle(program, count, words) / 1000,
    );
    report(`connect + accept + close, ${method}`, values, 'µs');
    const ratio = median(values.map(([one, other]) => other / one));
    if (method === 'bpf' && ratio > limits.bpfRatio) failed = true;
  }
  const start = pairs(
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
