/** Starts real programs, waits until they are ready by what they do, and ends them by their pid. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { isSystemError } from '../../src/errors.js';

export interface ExitState {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that runs in the background; `[Symbol.asyncDispose]`-like ending is `end()`. */
export class RunningProgram {
  readonly exited: Promise<ExitState>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #stdout = '';
  #stderr = '';

  constructor(command: string, words: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
    // Whoever awaits `exited` gets the rejection; without a listener it would end the test run.
    this.exited.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once the text on stdout or stderr matches; rejects when the program ends first. */
  async waitFor(stream: 'stdout' | 'stderr', pattern: RegExp, timeout = 20_000): Promise<void> {
    const deadline = AbortSignal.timeout(timeout);
    while (!pattern.test(stream === 'stdout' ? this.#stdout : this.#stderr)) {
      const ended = await Promise.race([
        once(this.#child[stream], 'data', { signal: deadline }).then(
          () => null,
          () => 'time is up',
        ),
        this.exited.then((state) => `it ended with ${state.code ?? state.signal}`),
      ]);
      if (ended !== null && !pattern.test(stream === 'stdout' ? this.#stdout : this.#stderr))
        throw new Error(`no ${pattern} on ${stream}, ${ended}: ${this.#stdout}${this.#stderr}`);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end; SIGKILL when it takes longer than the timeout. */
  async end(signal: NodeJS.Signals = 'SIGTERM', timeout = 10_000): Promise<ExitState> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), timeout);
    try {
      return await this.exited;
    } finally {
      clearTimeout(killer);
    }
  }
}

const given = new Set<number>();

/**
 * A TCP port that is free, and that no connection takes meanwhile: the system gives clients those of
 * net.ipv4.ip_local_port_range, which begins at 32768 as a rule. Each is given once.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const range = '/proc/sys/net/ipv4/ip_local_port_range';
  const end = existsSync(range) ? Number.parseInt(readFileSync(range, 'utf8'), 10) : 0;
  for (;;) {
    const port = end > 12_000 ? 10_000 + Math.floor(Math.random() * (end - 10_000)) : 0;
    const server = createServer().listen(port, host);
    try {
      await once(server, 'listening');
    } catch (error) {
      if (isSystemError(error, 'EADDRINUSE')) continue;
      throw error;
    }
    const found = (server.address() as AddressInfo).port;
    server.close();
    await once(server, 'close');
    if (given.has(found)) continue;
    given.add(found);
    return found;
  }
}

/** Resolves once something accepts connections there. */
export async function waitForPort(host: string, port: number, timeout = 20_000): Promise<void> {
  const until = performance.now() + timeout;
  for (;;) {
    const socket = connect({ host, port });
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await pause(20);
    } finally {
      socket.destroy();
    }
  }
}

/** Runs a program to its end and gives its stdout; rejects with its stderr unless it exits with 0. */
export async function outputOf(command: string, ...words: readonly string[]): Promise<string> {
  const program = new RunningProgram(command, words);
  const { code, signal } = await program.exited;
  if (code !== 0)
    throw new Error(`${command} ${words.join(' ')}: ${code ?? signal}: ${program.stderr}`);
  return program.stdout;
}
