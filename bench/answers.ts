/** How soon lbcap answers while the loopback is full: its timers, and Ctrl-C. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import { RunningProgram } from '../test/scenarios/process.js';
import { lbcapProgram } from '../test/scenarios/watch.js';
import { clientAddress } from './contenders.js';

export interface Answers {
  /** The largest difference between two samples and the second that they should be apart; seconds. */
  readonly timer: number;
  /** From the signal to the process's end, files closed; seconds. */
  readonly interrupt: number;
}

/** Interrupts lbcap four seconds into a load of six. */
export async function measureAnswers(traffic: string): Promise<Answers> {
  const folder = mkdtempSync(join(tmpdir(), 'lbcap-bench-'));
  try {
    const words = ['watch', '--json', '-o', join(folder, 'out')];
    for (let i = 0; i < 8; i++) words.push('-l', `c${i}=${clientAddress(i)}`);
    const child = spawn(process.execPath, [lbcapProgram(), ...words], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const samples: number[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('"event":"sample"')) samples.push(performance.now());
    });
    await once(child.stdout, 'data');
    const sender = new RunningProgram(traffic, ['udp', '8', '6']);
    await pause(4000);
    const asked = performance.now();
    child.kill('SIGINT');
    await once(child, 'exit');
    const interrupt = (performance.now() - asked) / 1000;
    await sender.exited;
    const gaps = samples.slice(1).map((at, i) => Math.abs(at - (samples[i] ?? at) - 1000) / 1000);
    return { timer: Math.max(...gaps), interrupt };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
