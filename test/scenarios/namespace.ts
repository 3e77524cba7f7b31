/** A network namespace of a test's own: its loopback, its ports, its settings. Needs root. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export class NetworkNamespace {
  readonly #keeper: ChildProcess;

  private constructor(keeper: ChildProcess) {
    this.#keeper = keeper;
  }

  /** @param settings below net.ipv4, such as `ip_local_port_range` */
  static async create(settings: Readonly<Record<string, string>> = {}): Promise<NetworkNamespace> {
    const keeper = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' });
    const space = new NetworkNamespace(keeper);
    const own = readlinkSync('/proc/self/ns/net');
    for (const until = Date.now() + 5000; ; await pause(5)) {
      if (keeper.exitCode !== null || Date.now() > until) throw new Error('unshare failed');
      if (readlinkSync(`/proc/${keeper.pid}/ns/net`) !== own) break;
    }
    space.run('ip', 'link', 'set', 'lo', 'up');
    for (const [name, value] of Object.entries(settings)) {
      space.run('sh', '-c', `echo ${value} > /proc/sys/net/ipv4/${name}`);
    }
    return space;
  }

  /** The words that run a command inside. */
  words(...command: readonly string[]): string[] {
    return ['nsenter', `--net=/proc/${this.#keeper.pid}/ns/net`, '--', ...command];
  }

  /** Runs a command inside to its end, and gives its stdout. */
  run(...command: readonly string[]): string {
    const [program, ...rest] = this.words(...command);
    return execFileSync(program, rest, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  }

  /** It is gone as soon as nothing runs in it. */
  close(): void {
    this.#keeper.kill('SIGKILL');
  }
}
