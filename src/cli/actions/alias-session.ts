/** `alias add --for-session`: addresses that are there as long as a command runs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { sudoCaller } from '../../binding/caller.js';
import { isSystemError, messageOf } from '../../errors.js';
import type { Address } from '../../labels/address.js';
import { quote } from '../../labels/quote.js';
import type { PlannedBlock } from '../../loopback/alias-plan.js';
import { removeRecord, writeRecord } from '../../loopback/alias-records.js';
import { addAliases } from '../../loopback/alias-run.js';
import { textOf } from '../../loopback/alias-system.js';
import { platform } from '../../loopback/platform.js';
import { withCredentials } from '../../native/credentials.js';
import { openKernel } from '../../native/kernel.js';
import type { AliasContext } from '../alias-context.js';
import { sweep } from '../alias-sweep.js';

/** Told to the command; of the terminal's own keys it hears by itself. */
const passedOn = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
const ofTerminal = ['SIGINT', 'SIGQUIT'] as const;

/** @returns the command's exit status, as a shell has it: 127 and 126 for one that cannot be started */
export async function aliasSession(
  words: readonly [string, ...string[]],
  plan: readonly PlannedBlock[],
  missing: readonly Address[],
  context: AliasContext,
): Promise<number> {
  const signals = new SignalsForChild();
  try {
    const record = writeRecord(context.folders, {
      pid: process.pid,
      mark: context.markOf(process.pid) ?? String(process.pid),
      network: context.network,
      uses: plan.flatMap((block) => [...block.missing, ...block.present]).map(textOf),
      // Before they are there: a kill in between must not leave one that nobody wrote down.
      added: missing.map(textOf),
    });
    try {
      addAliases(context.system, missing, context.run);
    } catch (error) {
      removeRecord(record);
      throw error;
    }
    try {
      return await runToEnd(words, signals, context);
    } finally {
      // What another session relies on stays until that one ends.
      sweep(context, process.pid);
    }
  } finally {
    signals.release();
  }
}

/** On the terminal of this process; under sudo as its caller, in their environment. */
async function runToEnd(
  [name, ...words]: readonly [string, ...string[]],
  signals: SignalsForChild,
  context: AliasContext,
): Promise<number> {
  const child = await start(name, words);
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      const isUnknown = isSystemError(error, 'ENOENT');
      context.say(
        isUnknown
          ? `there is no command ${quote(name)}: see that it is installed and in the PATH`
          : `${quote(name)} cannot be executed (${messageOf(error)})`,
      );
      resolve(isUnknown ? 127 : 126);
    });
    child.once('exit', (status, signal) => {
      resolve(signal === null ? (status ?? 0) : 128 + constants.signals[signal]);
    });
  });
  signals.aim(child);
  return ended;
}

async function start(name: string, words: readonly string[]): Promise<ChildProcess> {
  const plain = () => spawn(name, words, { stdio: 'inherit' });
  if (platform() !== 'linux' || process.geteuid?.() !== 0) return plain();
  const kernel = await openKernel();
  const caller = sudoCaller(kernel, process.env);
  if (caller === null) return plain();
  return withCredentials(kernel, caller.credentials, () =>
    spawn(name, words, { stdio: 'inherit', env: caller.environment }),
  );
}

/** Holds back signals until there is a child to get them. */
class SignalsForChild {
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  readonly #early: NodeJS.Signals[] = [];
  #child: ChildProcess | null = null;

  constructor() {
    for (const signal of passedOn) this.#listen(signal, () => this.#pass(signal));
    for (const signal of ofTerminal) {
      this.#listen(signal, () => {
        if (!process.stdin.isTTY) this.#pass(signal);
      });
    }
  }

  aim(child: ChildProcess): void {
    this.#child = child;
    for (const signal of this.#early.splice(0)) child.kill(signal);
  }

  release(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #pass(signal: NodeJS.Signals): void {
    if (this.#child === null) this.#early.push(signal);
    else this.#child.kill(signal);
  }

  #listen(signal: NodeJS.Signals, listener: () => void): void {
    this.#listeners.set(signal, listener);
    process.on(signal, listener);
  }
}
