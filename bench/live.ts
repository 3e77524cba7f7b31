/** Live capture under load: packets lost and CPU per packet, each contender in turn, several rounds. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { RunningProgram } from '../test/scenarios/process.js';
import { countDatagrams, type Contender } from './contenders.js';
import { machineCpuSeconds } from './cpu.js';
import { median } from './report.js';

export interface Load {
  /** The words for bench/traffic.c. */
  readonly words: readonly string[];
  /**
   * The same, shorter, before the measured load: what a start costs once (compiling the hot loop above
   * all) is no cost of a packet. Every contender gets it.
   */
  readonly warmUp: readonly string[];
  readonly clients: number;
  readonly snaplen: number | null;
  /** What traffic.c counts: datagrams can be compared with records, a stream's bytes cannot. */
  readonly unit: 'packets' | 'bytes';
}

export interface Result {
  readonly name: string;
  /** Sent by the load, in its unit; the median of the rounds. */
  readonly sent: number;
  readonly seconds: number;
  /** Packets sent and not in the files; `null` where the load does not count packets. */
  readonly lost: number | null;
  /** What the contender says that the kernel dropped. */
  readonly dropped: number | null;
  /** CPU nanoseconds for each unit sent. */
  readonly cpuPerUnit: number;
  /**
   * The same of the whole machine: the kernel filters and copies for every capture in the time of
   * whoever sends, which no process of the contender's shows.
   */
  readonly machinePerUnit: number;
}

/** Compiles bench/traffic.c; the folder is the caller's to remove. */
export function compileTraffic(folder: string): string {
  const program = join(folder, 'traffic');
  execFileSync('cc', ['-O2', '-o', program, 'bench/traffic.c'], { stdio: 'inherit' });
  return program;
}

/** Every contender once a round, in an order that turns, so that none always comes first. */
export async function compare(
  traffic: string,
  load: Load,
  contenders: readonly Contender[],
  rounds: number,
): Promise<Result[]> {
  const runs = new Map<Contender, Run[]>(contenders.map((contender) => [contender, []]));
  await measure(traffic, load, contenders[0] ?? fail()); // warms up, and does not count
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round) % contenders.length] ?? fail();
      runs.get(contender)?.push(await measure(traffic, load, contender));
    }
  }
  return contenders.map((contender) => {
    const all = runs.get(contender) ?? [];
    return {
      name: contender.name,
      sent: median(all.map(({ sent }) => sent)),
      seconds: median(all.map(({ seconds }) => seconds)),
      lost: worst(all.map(({ lost }) => lost)),
      dropped: worst(all.map(({ dropped }) => dropped)),
      cpuPerUnit: median(all.map(({ cpu, sent }) => (cpu * 1e9) / sent)),
      machinePerUnit: median(all.map(({ machine, sent }) => (machine * 1e9) / sent)),
    };
  });
}

interface Run {
  readonly sent: number;
  readonly seconds: number;
  readonly lost: number | null;
  readonly dropped: number | null;
  readonly cpu: number;
  readonly machine: number;
}

async function measure(traffic: string, load: Load, contender: Contender): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'lbcap-bench-'));
  try {
    const capture = await contender.start(folder, load.clients, load.snaplen);
    const warm = await send(traffic, load.warmUp);
    await settle(() => capture.written());
    const before = { cpu: capture.cpu(), machine: machineCpuSeconds() };
    const { sent, seconds } = await send(traffic, load.words);
    const machine = machineCpuSeconds() - before.machine;
    await settle(() => capture.written());
    const cpu = capture.cpu() - before.cpu;
    const { dropped } = await capture.end();
    const captured = load.unit === 'packets' ? countDatagrams(capturesIn(folder)) : null;
    const lost = captured === null ? null : warm.sent + sent - captured;
    return { sent, seconds, cpu, machine, dropped, lost };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function send(
  traffic: string,
  words: readonly string[],
): Promise<{ sent: number; seconds: number }> {
  const sender = new RunningProgram(traffic, words);
  await sender.exited;
  const [sent, seconds] = sender.stdout.split(' ').map(Number);
  if (sent === undefined || seconds === undefined) throw new Error(sender.stderr);
  return { sent, seconds };
}

/** Waits until the files have not grown for longer than anyone keeps packets back: 1.5 s. */
async function settle(written: () => number): Promise<void> {
  let size = written();
  let since = performance.now();
  while (performance.now() - since < 1500) {
    await pause(100);
    const now = written();
    if (now !== size) since = performance.now();
    size = now;
  }
}

function capturesIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.pcap')).map((name) => join(folder, name));
}

function worst(counts: readonly (number | null)[]): number | null {
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function fail(): never {
  throw new Error('nobody to measure');
}
