/** poll(2): waiting in a thread of one's own, waking that thread, and asking without waiting. */
import { writeSync } from 'node:fs';
import type { KoffiFunc } from 'koffi';
import type { Kernel } from './kernel.js';

const POLLIN = 1;
const POLLOUT = 4;
const EFD_CLOEXEC = 0x8_0000;
/** struct pollfd. */
const entry = { descriptor: 0, events: 4, returned: 6, size: 8 } as const;

const pollPrototype = 'int poll(void *entries, unsigned long count, int timeout)';
type Poll = KoffiFunc<(entries: Uint8Array, count: number, timeout: number) => number>;
type EventFd = KoffiFunc<(value: number, flags: number) => number>;

/** A descriptor that becomes readable with `wake`: eventfd(2). @throws SystemCallError */
export function createBell(kernel: Kernel): number {
  const eventfd = kernel.libc<EventFd>('int eventfd(unsigned int value, int flags)');
  const bell = eventfd(0, EFD_CLOEXEC);
  if (bell < 0) throw kernel.lastError('eventfd');
  return bell;
}

export function ring(bell: number): void {
  const one = Buffer.alloc(8);
  one.writeBigUInt64LE(1n);
  writeSync(bell, one);
}

/** @returns a look whether a descriptor takes bytes: not where a write would have to wait */
export function takesBytes(kernel: Kernel, descriptor: number): () => boolean {
  const poll = kernel.libc<Poll>(pollPrototype);
  const asked = Buffer.alloc(entry.size);
  asked.writeInt32LE(descriptor, entry.descriptor);
  asked.writeInt16LE(POLLOUT, entry.events);
  // What cannot be asked, or is broken, is for the write to tell.
  return () => poll(asked, 1, 0) !== 0;
}

/** Blocks this thread until one is readable or broken: poll(2). */
export class Poller {
  readonly #kernel: Kernel;
  readonly #poll: Poll;
  readonly #entries: Buffer;

  constructor(kernel: Kernel, descriptors: readonly number[]) {
    this.#kernel = kernel;
    this.#poll = kernel.libc<Poll>(pollPrototype);
    this.#entries = Buffer.alloc(descriptors.length * entry.size);
    for (const [index, descriptor] of descriptors.entries()) {
      this.#entries.writeInt32LE(descriptor, index * entry.size + entry.descriptor);
      this.#entries.writeInt16LE(POLLIN, index * entry.size + entry.events);
    }
  }

  /** For each descriptor the events that it has, 1 (POLLIN) or an error's. */
  wait(): number[] {
    const count = this.#entries.length / entry.size;
    if (this.#poll(this.#entries, count, -1) < 0) {
      const error = this.#kernel.lastError('poll');
      if (error.code !== 'EINTR') throw error;
      return new Array<number>(count).fill(0);
    }
    return Array.from({ length: count }, (_, index) =>
      this.#entries.readInt16LE(index * entry.size + entry.returned),
    );
  }
}
