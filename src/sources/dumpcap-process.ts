/** dumpcap as a process: out of reach of the terminal's keys, and ended whatever ends lbcap. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { isSystemError, messageOf } from '../errors.js';
import { findProgram } from '../loopback/programs.js';
import { dumpcapMissing } from './dumpcap-words.js';

/** As much of its words as is kept. */
const mostText = 16_384;

/**
 * Waits for the end of its input, which comes when lbcap asks for it or dies, even by SIGKILL, and
 * interrupts dumpcap then; a line instead says that there is nothing left to interrupt.
 *
 * A parent-death signal would be simpler, but the kernel forgets it for a program with capabilities
 * of its own (prctl(2), PR_SET_PDEATHSIG), and dumpcap by itself would only end at its next packet.
 * The keeper also keeps the right to signal a dumpcap of root's when lbcap has given that up.
 */
const keeper = 'read -r ended || kill -INT "$1"';

export class DumpcapProcess {
  readonly stdout: Readable;
  /** Resolves with how it ended, `status 1` or `signal SIGKILL`, once all its words are here. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #keeper: Writable;
  #stderr = '';

  private constructor(child: ChildProcess, stdout: Readable, stderr: Readable) {
    this.#child = child;
    this.stdout = stdout;
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-mostText);
    });
    this.#keeper = this.#startKeeper();
    this.ended = new Promise((resolve) => {
      child.once('exit', () => {
        // Before its id may belong to another process.
        if (this.#keeper.writable) this.#keeper.end('ended\n');
      });
      child.once('close', (status, signal) => {
        resolve(signal === null ? `status ${status ?? 0}` : `signal ${signal}`);
      });
    });
  }

  /**
   * In a session of its own: Ctrl-C is lbcap's to act on, and dumpcap is interrupted only when it has
   * handed over what it holds.
   * @throws ENGINE_MISSING, CAPTURE_PERMISSION when the program cannot be started
   */
  static async start(words: readonly string[]): Promise<DumpcapProcess> {
    const program = findProgram('dumpcap', process.env)?.path ?? 'dumpcap';
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    if (child.pid === undefined) {
      throw await new Promise<Error>((resolve) => {
        child.once('error', (error) => {
          resolve(dumpcapMissing(isSystemError(error) ? error.code : undefined, error));
        });
      });
    }
    return new DumpcapProcess(child, child.stdout, child.stderr);
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Asks it to write what it has and to end (SIGINT, as dumpcap(1) has it). */
  interrupt(): void {
    if (this.#keeper.writable) this.#keeper.end();
  }

  #startKeeper(): Writable {
    const { stdin } = spawn('/bin/sh', ['-c', keeper, 'lbcap-keeper', String(this.#child.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    }).once('error', (error) => {
      // Without a shell there is no Unix to speak of; but nothing may be left behind.
      this.#stderr += `dumpcap: no /bin/sh to watch over it (${messageOf(error)})\n`;
      this.#child.kill('SIGKILL');
    });
    // It is gone when somebody else ended it.
    return stdin.on('error', () => undefined);
  }
}
