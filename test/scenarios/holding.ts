/** Many connections held by one unmodified program under `run --pool`, in a network namespace of their own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NetworkNamespace } from './namespace.js';
import { RunningProgram } from './process.js';
import { lbcapProgram } from './watch.js';

export interface Wanted {
  readonly connections: number;
  /** The label, as `run --pool` takes it. */
  readonly pool: string;
  /** Settings below net.ipv4. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Milliseconds that it may take. */
  readonly timeout: number;
}

export class Holding {
  readonly #programs: RunningProgram[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'lbcap-hold-'));
  readonly space: NetworkNamespace;
  /** Of the one server. */
  port = 0;
  /** From the start of `run` until all were held. */
  seconds = 0;

  private constructor(space: NetworkNamespace) {
    this.space = space;
  }

  /** Resolves once all are held; rejects when a connection fails or time is up. */
  static async start({ connections, pool, settings, timeout }: Wanted): Promise<Holding> {
    const holding = new Holding(await NetworkNamespace.create(settings));
    try {
      const program = join(holding.#folder, 'hold');
      execFileSync('cc', ['-O1', '-o', program, 'test/scenarios/clients/hold.c']);
      const server = holding.#run(program, 'serve');
      await server.waitFor('stdout', /port [0-9]+\n/);
      holding.port = Number(/[0-9]+/.exec(server.stdout)?.[0]);
      const run = [process.execPath, lbcapProgram(), 'run', '-q', '--pool', pool, '--'];
      const words = [program, 'connect', String(holding.port), String(connections)];
      const before = performance.now();
      const client = holding.#run(...run, ...words);
      await client.waitFor('stdout', /(held|failed).*\n/, timeout);
      holding.seconds = (performance.now() - before) / 1000;
      if (client.stdout !== `held ${connections}\n`) throw new Error(client.stdout);
    } catch (error) {
      await holding.close();
      throw error;
    }
    return holding;
  }

  #run(...command: readonly string[]): RunningProgram {
    const [program = '', ...words] = this.space.words(...command);
    const running = new RunningProgram(program, words);
    this.#programs.push(running);
    return running;
  }

  /** Lets all of them go. */
  async close(): Promise<void> {
    for (const program of this.#programs.reverse()) await program.end('SIGTERM', 60_000);
    this.space.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
