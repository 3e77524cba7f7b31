/** The program that is run: started, given the signals that are meant for it, and waited for. */
import { constants } from 'node:os';
import type { Kernel } from '../native/kernel.js';
import { Waiter } from '../native/wait.js';
import { startCommand, type Command } from './command.js';
import { processStat } from './proc.js';
import { sendSignal } from './signal.js';

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

/** Milliseconds: as long as a timer of Node's can take. */
const forever = 2 ** 31 - 1;

/** Takes the signals that lbcap gets, from before the child is born, and passes them on. */
class SignalRelay {
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  readonly #early: NodeJS.Signals[] = [];
  #child: number | null = null;

  /** @param onChild a child has changed: SIGCHLD */
  constructor(onChild: () => void) {
    for (const signal of passedOn) this.#listen(signal, () => this.#pass(signal));
    for (const signal of ofTerminal) {
      this.#listen(signal, () => {
        if (!inForeground()) this.#pass(signal);
      });
    }
    this.#listen('SIGCHLD', onChild);
  }

  /** Who gets them from now on, the earlier ones at once. */
  aim(child: number): void {
    this.#child = child;
    for (const signal of this.#early.splice(0)) sendSignal(child, signal);
  }

  release(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
    this.#listeners.clear();
  }

  #pass(signal: NodeJS.Signals): void {
    if (this.#child === null) this.#early.push(signal);
    else sendSignal(this.#child, signal);
  }

  #listen(signal: NodeJS.Signals, listener: () => void): void {
    this.#listeners.set(signal, listener);
    process.on(signal, listener);
  }
}

/** A program on lbcap's own standard input, output and error. */
export class Child {
  readonly #kernel: Kernel;
  readonly #waiter: Waiter;
  readonly #relay: SignalRelay;
  #look: () => void = () => undefined;

  /** From here on signals are taken, until `release`: none is to be missed as it is born. */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#waiter = new Waiter(kernel);
    this.#relay = new SignalRelay(() => {
      this.#look();
    });
  }

  /**
   * Runs it to its end.
   *
   * @param fork calls what it is given, wherever and as whoever the child is to be born
   * @returns the exit status as a shell tells it: 128+n for the end by signal n
   * @throws LbcapError `COMMAND_UNKNOWN` (the shell's 127) or `COMMAND_REFUSED` (its 126)
   */
  async run(command: Command, fork: (work: () => void) => void): Promise<number> {
    const pid = this.#start(command, fork);
    this.#relay.aim(pid);
    // Listening for signals does not keep Node from ending.
    const awake = setInterval(() => undefined, forever);
    const status = await new Promise<number>((resolve) => {
      this.#look = () => {
        const found = this.#statusOf(pid);
        if (found !== null) resolve(found);
      };
      this.#look();
    });
    clearInterval(awake);
    this.release();
    return status;
  }

  release(): void {
    this.#relay.release();
  }

  #start(command: Command, fork: (work: () => void) => void): number {
    const born: number[] = [];
    try {
      fork(() => {
        born.push(startCommand(this.#kernel, command));
      });
    } catch (error) {
      // The child may be there all the same: without its cgroup it is of no use.
      for (const pid of born) sendSignal(pid, 'SIGKILL');
      throw error;
    }
    return born[0];
  }

  /** @returns `null` while it lives */
  #statusOf(pid: number): number | null {
    for (;;) {
      const change = this.#waiter.changeOf(pid);
      if (change === null) return null;
      if (change.kind === 'ended') return change.signal === 0 ? change.status : 128 + change.signal;
      // The shell above waits for lbcap, not for the child: it must see a stopped job.
      if (stops.has(change.signal) && inForeground()) process.kill(process.pid, 'SIGSTOP');
    }
  }
}

/** Whether a terminal's signals go to this process's group. */
function inForeground(): boolean {
  const own = processStat('self');
  return own !== null && own.terminal !== 0 && own.foreground === own.group;
}
