/** Runs `lbcap watch --json` as a user does, by the bin of package.json, and reads its events. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { RunningProgram } from './process.js';

/** Absolute path of the program that package.json installs as `lbcap`. */
export function lbcapProgram(): string {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: { lbcap: string } };
  return resolve(manifest.bin.lbcap);
}

/** One label of the end event. */
export interface EndedLabel {
  readonly name: string;
  readonly address: string;
  readonly packets: number;
  readonly bytes: number;
  readonly file: string | null;
  readonly filters: { readonly bpf: string; readonly wireshark: string };
}

export interface EndEvent {
  readonly event: 'end';
  readonly labels: readonly EndedLabel[];
  readonly received: number | null;
  readonly kernelDropped: number | null;
  readonly interfaceDropped: number | null;
}

export interface Ended {
  readonly end: EndEvent;
  readonly status: number | null;
  readonly stderr: string;
}

/** A `lbcap watch` that has begun to capture. */
export class Watch {
  readonly program: RunningProgram;

  private constructor(program: RunningProgram) {
    this.program = program;
  }

  static async start(...words: readonly string[]): Promise<Watch> {
    const program = new RunningProgram(process.execPath, [
      lbcapProgram(),
      'watch',
      '--json',
      ...words,
    ]);
    await program.waitFor('stdout', /"event":"start"/);
    return new Watch(program);
  }

  /** Ends it as Ctrl-C does. */
  async stop(): Promise<Ended> {
    const { code } = await this.program.end('SIGINT');
    const { stdout, stderr } = this.program;
    const last = stdout.trimEnd().split('\n').at(-1) ?? '';
    const end = JSON.parse(last) as EndEvent;
    if (end.event !== 'end') throw new Error(`the last line is no end event: ${last}\n${stderr}`);
    return { end, status: code, stderr };
  }
}
