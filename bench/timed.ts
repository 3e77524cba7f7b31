/** Runs of programs that are measured one after the other: seconds, CPU, peak memory. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './report.js';

/** One run. */
export interface Run {
  readonly seconds: number;
  /** User and system time, seconds, of all its threads and children. */
  readonly cpu: number;
  /** Peak resident memory, bytes, of its largest process. */
  readonly memory: number;
}

/** A program that writes what it makes into a folder, which is there and empty. */
export interface Program {
  readonly name: string;
  /** The commands of one run, one after the other. */
  commands(folder: string): readonly (readonly string[])[];
  /** Runs in fewer rounds than the others: it takes long. */
  readonly rounds?: number;
}

/** Compiles bench/`name`.c into the folder. */
export function compile(folder: string, name: string, ...libraries: readonly string[]): string {
  const program = join(folder, name);
  const words = ['-O2', '-o', program, `bench/${name}.c`, ...libraries];
  execFileSync('cc', words, { stdio: 'inherit' });
  return program;
}

/**
 * Every program twice a round, in an order that turns, of which the second run counts: what the first one wrote, and
 * its memory with it, is free again, in pieces as this program takes them. A virtual machine whose host takes
 * back what is free would otherwise charge its return, up to 2 s for a gigabyte, to whoever takes larger pieces
 * than the program before. What they write is removed at once, and seen by `check` in the first round.
 * @param timed the compiled bench/timed.c
 * @returns the runs of each, in the order of `programs`
 */
export function alternate(
  timed: string,
  folder: string,
  programs: readonly Program[],
  rounds: number,
  check: (program: Program, folder: string) => void = () => undefined,
): Run[][] {
  const runs = programs.map((): Run[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < programs.length; i++) {
      const which = (i + round) % programs.length;
      const program = programs[which];
      if (program === undefined || round >= (program.rounds ?? rounds)) continue;
      const out = join(folder, 'out');
      for (const isCounted of [false, true]) {
        mkdirSync(out);
        const run = measure(timed, program.commands(out));
        if (isCounted) runs[which]?.push(run);
        if (isCounted && round === 0) check(program, out);
        rmSync(out, { recursive: true });
      }
    }
  }
  return runs;
}

/** One run of commands, one after the other. @throws when one fails */
export function measure(timed: string, commands: readonly (readonly string[])[]): Run {
  let [seconds, cpu, memory] = [0, 0, 0];
  // Reading certificates is no part of what is measured.
  const env = { ...process.env };
  delete env['NODE_EXTRA_CA_CERTS'];
  for (const command of commands) {
    const { status, stderr } = spawnSync(timed, command, {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
      maxBuffer: 1e9,
    });
    if (status !== 0) throw new Error(`${command.join(' ').slice(0, 200)}: ${stderr.slice(-1000)}`);
    const [took = NaN, used = NaN, peak = NaN] = (stderr.trimEnd().split('\n').at(-1) ?? '')
      .split(' ')
      .map(Number);
    seconds += took;
    cpu += used;
    memory = Math.max(memory, peak * 1024);
  }
  return { seconds, cpu, memory };
}

/** The median of each figure by itself. */
export function typical(runs: readonly Run[]): Run {
  return {
    seconds: median(runs.map((run) => run.seconds)),
    cpu: median(runs.map((run) => run.cpu)),
    memory: Math.max(...runs.map((run) => run.memory)),
  };
}

/**
 * How many times as long `other` took: the median over rounds, of runs that stood side by side, since a
 * machine that others use too is faster at one time than at another.
 */
export function ratio(
  other: readonly Run[],
  ours: readonly Run[],
  figure: 'seconds' | 'cpu' = 'seconds',
): number {
  return median(
    other.flatMap((run, round) => {
      const mine = ours[round];
      return mine === undefined ? [] : [run[figure] / mine[figure]];
    }),
  );
}
