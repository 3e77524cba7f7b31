/** What `lbcap alias` does its work with: this machine, or in a test another one. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { processMark } from '../binding/proc.js';
import { loopbackAddresses, type LoopbackAddress } from '../loopback/addresses.js';
import { currentNetwork, recordFolders } from '../loopback/alias-records.js';
import { runCommand, type Run } from '../loopback/alias-run.js';
import { aliasSystem, type AliasSystem } from '../loopback/alias-system.js';
import { platform } from '../loopback/platform.js';

export interface AliasContext {
  readonly system: AliasSystem;
  readonly run: Run;
  addresses(): readonly LoopbackAddress[];
  /** Of the records of sessions. */
  readonly folders: readonly string[];
  readonly network: string;
  markOf(pid: number): string | null;
  writeFile(path: string, text: string): void;
  removeFile(path: string): void;
  /** To standard output: for programs. */
  print(line: string): void;
  /** To standard error: for people. */
  say(line: string): void;
}

/** @throws PLATFORM_UNSUPPORTED */
export function thisMachine(): AliasContext {
  const here = platform();
  return {
    system: aliasSystem(here),
    run: runCommand,
    addresses: loopbackAddresses,
    folders: recordFolders(here, process.env),
    network: currentNetwork(here),
    markOf: here === 'linux' ? processMark : markByPs,
    writeFile: (path, text) => {
      writeFileSync(path, text, { mode: 0o644 });
    },
    removeFile: (path) => {
      rmSync(path, { force: true });
    },
    print: (line) => {
      process.stdout.write(`${line}\n`);
    },
    say: (line) => {
      process.stderr.write(`lbcap: ${line}\n`);
    },
  };
}

/** Where there is no /proc: ps(1) of macOS and FreeBSD tells when a process began. */
function markByPs(pid: number): string | null {
  try {
    const began = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    return `${pid} ${began.trim()}`;
  } catch {
    // It has ended.
    return null;
  }
}
