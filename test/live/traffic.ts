/** Traffic of one's own for live tests: addresses nobody else uses, and packets that are numbered. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createArena, type Arena } from '../../src/packet/arena.js';
import { recordLayout, type Batch } from '../../src/packet/batch.js';
import { liveRegionSizes, openLive, type LiveOptions } from '../../src/sources/live.js';
import type { Source } from '../../src/sources/source.js';

let next = 0;

/** A loopback address of this process alone, so that tests that run side by side do not meet. */
export function ownAddress(): string {
  next++;
  return `127.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}.${next}`;
}

/** Why live tests cannot run here; `false` where they can. */
export function whyNot(): string | false {
  return process.getuid?.() === 0 ? false : 'needs root to capture';
}

/** One datagram socket at `address` that sends to a sink on 127.0.0.1 with a port of the system's. */
export class Sender {
  readonly #from: Socket;
  readonly #sink: Socket;
  #sent = 0;

  private constructor(from: Socket, sink: Socket) {
    this.#from = from;
    this.#sink = sink;
  }

  static async at(address: string): Promise<Sender> {
    const [from, sink] = [createSocket('udp4'), createSocket('udp4')];
    sink.bind(0, '127.0.0.1');
    await once(sink, 'listening');
    from.bind(0, address);
    await once(from, 'listening');
    from.connect(sink.address().port, '127.0.0.1');
    await once(from, 'connect');
    return new Sender(from, sink);
  }

  /** Sends `count` datagrams of `size` bytes, each with the next number in front. */
  async send(count: number, size = 64): Promise<void> {
    for (let index = 0; index < count; index++) {
      const payload = Buffer.alloc(size, this.#sent & 0xff);
      payload.writeUInt32BE(this.#sent++);
      await new Promise<void>((resolve, reject) =>
        this.#from.send(payload, (error) => (error === null ? resolve() : reject(error))),
      );
    }
  }

  close(): void {
    this.#from.close();
    this.#sink.close();
  }
}

export interface Captured {
  readonly seconds: number;
  readonly fraction: number;
  readonly originalLength: number;
  readonly bytes: Buffer;
}

export interface OpenedLive {
  readonly source: Source;
  readonly arena: Arena;
  readonly notices: string[];
}

/** How packets get out of the kernel: its ring in place, or libpcap's calls. */
export const ways = ['ring', 'calls'] as const;
export type Way = (typeof ways)[number];

/** Opens `lo` with everything at its default but `change`. */
export async function openLo(
  change: Partial<LiveOptions> & { by?: Way } = {},
): Promise<OpenedLive> {
  const notices: string[] = [];
  const { by = 'ring', ...options } = change;
  const bufferSize = change.bufferSize ?? 16 << 20;
  const sizes = liveRegionSizes(bufferSize);
  const { arena, regions } = createArena(by === 'ring' ? sizes : sizes.slice(0, 1));
  const source = await openLive({
    interface: 'lo',
    snaplen: 262_144,
    bufferSize,
    filter: null,
    nanoseconds: false,
    arena,
    regions,
    onNotice: (text) => notices.push(text),
    ...options,
  });
  return { source, arena: change.arena ?? arena, notices };
}

/** Reads until `count` records have come, or to the end. Fails a test rather than wait for ever. */
export async function read({ source, arena }: OpenedLive, count = Infinity): Promise<Captured[]> {
  const captured: Captured[] = [];
  while (captured.length < count) {
    const batch = await source.next();
    if (batch === null) break;
    captured.push(...recordsIn(arena, batch));
  }
  return captured;
}

/** Copies of a batch's records; throws where they do not lie inside it. */
export function recordsIn(arena: Arena, { format, start, end, index }: Batch): Captured[] {
  const found: Captured[] = [];
  const word = (at: number) => arena.view.getUint32(at, !format.bigEndian);
  let at = start;
  while (index === undefined ? at < end : found.length < index.count) {
    if (index !== undefined) at = index.starts[found.length];
    const packet = at + recordLayout.size;
    const length = word(at + recordLayout.capturedLength);
    found.push({
      seconds: word(at + recordLayout.seconds),
      fraction: word(at + recordLayout.fraction),
      originalLength: word(at + recordLayout.originalLength),
      bytes: Buffer.from(arena.bytes.slice(packet, packet + length)),
    });
    at = packet + length;
    if (at > end) throw new Error(`a record ends at ${at}, the batch at ${end}`);
  }
  return found;
}

/** Ethernet, IPv4 without options, UDP: where on Linux's `lo` a datagram's payload begins. */
export const udpPayload = 14 + 20 + 8;

/** The numbers that `Sender` put in front of the payloads. */
export function numbersOf(captured: readonly Captured[]): number[] {
  return captured.map(({ bytes }) => bytes.readUInt32BE(udpPayload));
}

/** `0, 1, … count - 1`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
