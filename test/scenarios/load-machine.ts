/** A machine of its own to load: programs in a network namespace, and what `lbcap ports` and ss say there. */
import assert from 'node:assert/strict';
import type { PortEvent } from '../../src/terminal/port-events.js';
import type { NetworkNamespace } from './namespace.js';
import { RunningProgram } from './process.js';
import { lbcapProgram } from './watch.js';

/** The addresses that the load comes from. */
export const pool = 'load=127.0.40.8/29';
export const addresses = 8;

export class Machine {
  readonly #space: NetworkNamespace;
  readonly #programs: RunningProgram[] = [];

  constructor(space: NetworkNamespace) {
    this.#space = space;
  }

  start(...command: readonly string[]): RunningProgram {
    const [program, ...words] = this.#space.words(...command);
    const running = new RunningProgram(program, words);
    this.#programs.push(running);
    return running;
  }

  lbcap(...words: readonly string[]): RunningProgram {
    return this.start(process.execPath, lbcapProgram(), ...words);
  }

  async output(program: RunningProgram): Promise<string> {
    const { code } = await program.exited;
    assert.equal(code, 0, program.stderr);
    return program.stdout;
  }

  /** What `lbcap ports` says of the pool, and of those who have no label. */
  async ports(): Promise<{ load: PortEvent; plain: PortEvent }> {
    const words = ['ports', '--json', '-l', pool, '-l', 'plain=127.0.0.1'];
    const lines = (await this.output(this.lbcap(...words))).trim().split('\n');
    const [load, plain] = lines.map((line) => JSON.parse(line) as PortEvent);
    return { load, plain };
  }

  /** Sockets from an address to a server, as ss(8) counts them. */
  ss(from: string, to: string): number {
    return this.#space.run('ss', '-tanH', 'src', from, 'dst', to).split('\n').length - 1;
  }

  async close(): Promise<void> {
    for (const program of this.#programs.reverse()) await program.end('SIGTERM', 60_000);
    this.#space.close();
  }
}

export function serverOf(event: PortEvent, port: number): PortEvent['servers'][number] {
  const found = event.servers.find(({ server }) => server === `127.0.0.1:${port}`);
  assert.ok(found, `${event.name} has connections to port ${port}`);
  return found;
}
