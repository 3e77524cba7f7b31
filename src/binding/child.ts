/** The program that is run: started, given the signals that are meant for it, and waited for. */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import { quote } from '../labels/quote.js';
import type { Kernel } from '../native/kernel.js';
import { Waiter } from '../native/wait.js';
import { processStat } from './proc.js';

/** What lbcap passes on. Of SIGKILL and SIGSTOP nobody hears. */
const passedOn = ['SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGWINCH'] as const;
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

export class Child {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #listeners = new Map<NodeJS.Signals, () => void>();

  private constructor(child: ChildProcess, pid: number) {
    this.#process = child;
    this.pid = pid;
  }

  /**
   * Starts a program on lbcap's own standard input, output and error.
   *
   * @param fork calls what it is given, wherever and as whoever the child is to be born
   * @throws LbcapError `COMMAND_UNKNOWN` (the shell's 127) or `COMMAND_REFUSED` (its 126)
   */
  static async start(command: Command, fork: (work: () => void) => void): Promise<Child> {
    const [name, ...words] = command.words;
    let started: ChildProcess | undefined;
    try {
      fork(() => {
        started = spawn(name, words, { stdio: 'inherit', env: command.environment });
      });
    } catch (error) {
      // fork() may have worked all the same: without its cgroup the child is of no use.
      started?.on('error', () => undefined).kill('SIGKILL');
      throw startError(name, error);
    }
    const child = started;
    if (child === undefined) throw new LbcapError('INVARIANT', 'no child was started');
    if (child.pid !== undefined) return new Child(child, child.pid);
    throw await new Promise<LbcapError>((resolve) => {
      child.once('error', (error) => {
        resolve(startError(name, error));
      });
    });
  }

  /** The exit status as a shell tells it: 128+n for the end by signal n. */
  async ended(): Promise<number> {
    return new Promise((resolve) => {
      this.#process.once('exit', (status, signal) => {
        resolve(signal === null ? (status ?? 0) : 128 + constants.signals[signal]);
      });
    });
  }

  /** Passes signals on until `release`. */
  passSignals(kernel: Kernel): void {
    for (const signal of passedOn) this.#listen(signal, () => this.signal(signal));
    for (const signal of ofTerminal) {
      this.#listen(signal, () => {
        if (!inForeground()) this.signal(signal);
      });
    }
    this.#listen('SIGCONT', () => this.signal('SIGCONT'));
    const waiter = new Waiter(kernel);
    this.#listen('SIGCHLD', () => {
      const signal = waiter.stopSignalOf(this.pid);
      // The shell above waits for lbcap, not for the child: it must see a stopped job.
      if (signal !== null && stops.has(signal) && inForeground())
        process.kill(process.pid, 'SIGSTOP');
    });
  }

  release(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
    this.#listeners.clear();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  #listen(signal: NodeJS.Signals, listener: () => void): void {
    this.#listeners.set(signal, listener);
    process.on(signal, listener);
  }
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
