/** The program that is run: started, given the signals that are meant for it, and waited for. */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import { quote } from '../labels/quote.js';
import type { Kernel } from '../native/kernel.js';
import { Waiter } from '../native/wait.js';
import { processStat } from './proc.js';

/** What lbcap passes on. Of SIGKILL and SIGSTOP nobody hears. */
const passedOn = [
  'SIGHUP',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGWINCH',
  'SIGCONT',
] as const;
/** The terminal gives these to the whole foreground group, so the child has them already. */
const ofTerminal = ['SIGINT', 'SIGQUIT'] as const;

const stops: ReadonlySet<number> = new Set([
  constants.signals.SIGTSTP,
  constants.signals.SIGTTIN,
  constants.signals.SIGTTOU,
]);

export interface Command {
  readonly words: readonly [string, ...string[]];
  readonly environment: NodeJS.ProcessEnv;
}

/** Takes the signals that lbcap gets, from before the child is born, and passes them on. */
export class SignalRelay {
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  readonly #early: NodeJS.Signals[] = [];
  #child: ChildProcess | null = null;

  constructor(kernel: Kernel) {
    for (const signal of passedOn) this.#listen(signal, () => this.#pass(signal));
    for (const signal of ofTerminal) {
      this.#listen(signal, () => {
        if (!inForeground()) this.#pass(signal);
      });
    }
    const waiter = new Waiter(kernel);
    this.#listen('SIGCHLD', () => {
      const signal = this.#child?.pid === undefined ? null : waiter.stopSignalOf(this.#child.pid);
      // The shell above waits for lbcap, not for the child: it must see a stopped job.
      if (signal !== null && stops.has(signal) && inForeground()) {
        process.kill(process.pid, 'SIGSTOP');
      }
    });
  }

  /** Who gets them from now on, the earlier ones at once. */
  aim(child: ChildProcess): void {
    this.#child = child;
    for (const signal of this.#early.splice(0)) child.kill(signal);
  }

  release(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
    this.#listeners.clear();
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

/**
 * Runs a program on lbcap's own standard input, output and error, to its end.
 *
 * @param fork calls what it is given, wherever and as whoever the child is to be born
 * @returns the exit status as a shell tells it: 128+n for the end by signal n
 * @throws LbcapError `COMMAND_UNKNOWN` (the shell's 127) or `COMMAND_REFUSED` (its 126)
 */
export async function runChild(
  kernel: Kernel,
  command: Command,
  fork: (work: () => void) => void,
): Promise<number> {
  const relay = new SignalRelay(kernel);
  try {
    const child = await start(command, fork);
    relay.aim(child);
    return await new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        resolve(signal === null ? (status ?? 0) : 128 + constants.signals[signal]);
      });
    });
  } finally {
    relay.release();
  }
}

async function start(command: Command, fork: (work: () => void) => void): Promise<ChildProcess> {
  const [name, ...words] = command.words;
  const started: ChildProcess[] = [];
  try {
    fork(() => {
      started.push(spawn(name, words, { stdio: 'inherit', env: command.environment }));
    });
  } catch (error) {
    // The child may be there all the same: without its cgroup it is of no use.
    for (const child of started) child.on('error', () => undefined).kill('SIGKILL');
    throw startError(name, error);
  }
  const [child] = started;
  if (child.pid !== undefined) return child;
  throw await new Promise<LbcapError>((resolve) => {
    child.once('error', (error) => {
      resolve(startError(name, error));
    });
  });
}

/** Whether a terminal's signals go to this process's group. */
function inForeground(): boolean {
  const own = processStat('self');
  return own !== null && own.terminal !== 0 && own.foreground === own.group;
}

function startError(name: string, cause: unknown): LbcapError {
  if (cause instanceof LbcapError) return cause;
  if (isSystemError(cause, 'ENOENT')) {
    return new LbcapError(
      'COMMAND_UNKNOWN',
      `there is no command ${quote(name)}`,
      'see that it is installed and in the PATH',
      { cause },
    );
  }
  if (isSystemError(cause, 'EACCES', 'EPERM', 'ENOEXEC', 'EISDIR', 'ENOTDIR', 'ELOOP')) {
    return new LbcapError(
      'COMMAND_REFUSED',
      `${quote(name)} cannot be executed (${cause.code})`,
      'make it executable with chmod +x, or name a program',
      { cause },
    );
  }
  return new LbcapError(
    'RUN_FAILED',
    `${quote(name)} cannot be started (${messageOf(cause)})`,
    undefined,
    {
      cause,
    },
  );
}
