/** The outsider's capture of the same traffic: `tcpdump -i lo -w`, settled before it is ended. */
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { RunningProgram } from './process.js';

/** A tcpdump that writes everything of the loopback into one file. */
export class Tcpdump {
  readonly file: string;
  readonly #program: RunningProgram;

  private constructor(file: string, program: RunningProgram) {
    this.file = file;
    this.#program = program;
  }

  /** Resolves once tcpdump captures. */
  static async start(file: string, filter: readonly string[] = []): Promise<Tcpdump> {
    const program = new RunningProgram('tcpdump', [
      // Not --immediate-mode: its ring has a slot of a whole snaplen for each packet, so it overflows.
      // -U, a write per packet, is why the ring is large; SIGUSR2 instead damages the file, since
      // its handler flushes in the middle of a write.
      // -Z root: else it gives up root before it opens the file, in a folder that only root may use.
      ...['-i', 'lo', '-U', '-B', '262144', '-Z', 'root', '-w', file],
      ...filter,
    ]);
    await program.waitFor('stderr', /listening on/);
    return new Tcpdump(file, program);
  }

  /**
   * Ends it with nothing left behind in the kernel: sends a datagram that nobody labels, waits until
   * the file holds it, and packets come in order.
   */
  async end(): Promise<void> {
    try {
      await this.#settle();
    } finally {
      await this.#program.end('SIGINT');
    }
    const dropped = /(\d+) packets? dropped by kernel/.exec(this.#program.stderr)?.[1];
    if (dropped !== '0') throw new Error(`tcpdump lost packets itself: ${this.#program.stderr}`);
  }

  async #settle(): Promise<void> {
    const file = await open(this.file);
    try {
      let { size: from } = await file.stat();
      const mark = await sendMark();
      const until = performance.now() + 10_000;
      const part = Buffer.alloc(1 << 20);
      for (;;) {
        const { bytesRead } = await file.read(part, 0, part.length, from);
        if (part.subarray(0, bytesRead).includes(mark)) return;
        if (performance.now() > until) throw new Error('tcpdump did not write the last packet');
        // The mark may lie across the end of what is there.
        from += Math.max(0, bytesRead - mark.length);
        if (bytesRead < part.length) await pause(20);
      }
    } finally {
      await file.close();
    }
  }
}

/** Sends 32 random bytes over the loopback, from and to 127.0.0.1. */
async function sendMark(): Promise<Buffer> {
  const mark = randomBytes(32);
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.send(mark, socket.address().port, '127.0.0.1');
  await once(socket, 'message');
  socket.close();
  return mark;
}
