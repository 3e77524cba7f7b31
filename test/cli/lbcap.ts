/** Runs the program that package.json installs, to its end. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: { lbcap: string } };

/** Absolute path of `lbcap`. */
export const lbcapPath = resolve(manifest.bin.lbcap);

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
}

export function lbcap(words: readonly string[], options: RunOptions = {}): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [lbcapPath, ...words], {
    ...options,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, stdout, stderr };
}

/** The lines in which lbcap complains: every failure has exactly one. */
export function complaints({ stderr }: Ended): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('lbcap: '));
}
