/** The ring that libpcap had the kernel make, mapped a second time: into the arena. */
import { closeSync, fstatSync, readFileSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { LbcapError } from '../errors.js';
import { blockLayout, frameStatus } from '../formats/tpacket.js';
import type { Arena, Region } from '../packet/arena.js';
import type { Library } from './library.js';

/** <asm-generic/mman-common.h>, the same on x86-64 and arm64. */
const mmapNumbers = { read: 1, write: 2, shared: 1, private: 2, fixed: 0x10, anonymous: 0x20 };
const readWrite = mmapNumbers.read | mmapNumbers.write;
/** struct pollfd and the events of poll(2). */
const pollEntry = { descriptor: 0, events: 4, returned: 6, size: 8 } as const;
const pollIn = 1;
const pollError = 8;
const eventfdFlags = { closeOnExec: 0x8_0000, nonBlocking: 0x800 } as const;
/** SOL_SOCKET, SO_ERROR, and the error of an interface that was taken down. */
const socketError = { level: 1, name: 4 } as const;
const ENETDOWN = 100;

/** Mappings are whole pages; no page of x86-64 or arm64 is larger. */
const page = 65_536;

/**
 * libpcap's blocks: its MAXIMUM_SNAPLEN, which it takes as the frame size of a TPACKET_V3 ring, is a
 * power of two and a multiple of every page size (pcap-linux.c, create_ring).
 */
export const ringBlockSize = 262_144;

/** What a region must measure for the ring of a capture with such a kernel buffer, bytes. */
export function ringRegionSize(bufferSize: number): number {
  return Math.max(1, Math.floor(bufferSize / ringBlockSize)) * ringBlockSize + page;
}

/**
 * Blocks of packets that the kernel fills in turn and that are given back in turn. libpcap's own
 * mapping stays where it is and is not read: nobody may call pcap_dispatch on this handle.
 */
export class PacketRing {
  /** Arena offset of the first block. */
  readonly start: number;
  readonly blocks: number;
  readonly #library: Library;
  readonly #fd: number;
  readonly #memory: Uint8Array;
  /** The same memory as words, for loads and stores that the processor does not reorder. */
  readonly #words: Int32Array;
  readonly #bell: number;
  readonly #poll: (timeout: number) => Promise<number>;
  readonly #entries: DataView;

  /** @returns `null` where this kernel, process or region does not allow it */
  static map(library: Library, fd: number, arena: Arena, region: Region): PacketRing | null {
    const { c, layouts } = library;
    if (c.mmap === undefined || c.poll === undefined || c.eventfd === undefined) return null;
    if (layouts.pointerSize !== 8 || !['x64', 'arm64'].includes(process.arch)) return null;
    const size = mappedSize(fd);
    if (size === null || size % ringBlockSize !== 0) return null;
    // memcpy gives its target back: the address at which the region lies.
    const region0 = arena.bytes.subarray(region.start, region.start + region.size);
    const address = c.memcpy(region0, region0, 0);
    const start = region.start + ((page - Number(address % BigInt(page))) % page);
    if (start + size > region.start + region.size) return null;
    const memory = arena.bytes.subarray(start, start + size);
    const { shared, fixed } = mmapNumbers;
    const target = address + BigInt(start - region.start);
    // The kernel takes no other size than that of the whole ring, which proves what was found.
    if (c.mmap(target, size, readWrite, shared | fixed, fd, 0) !== target) return null;
    const bell = c.eventfd(0, eventfdFlags.closeOnExec | eventfdFlags.nonBlocking);
    if (bell < 0) {
      giveMemoryBack(library, memory);
      return null;
    }
    return new PacketRing(library, fd, memory, start, bell);
  }

  private constructor(
    library: Library,
    fd: number,
    memory: Uint8Array,
    start: number,
    bell: number,
  ) {
    this.#library = library;
    this.#fd = fd;
    this.#memory = memory;
    this.start = start;
    this.blocks = memory.length / ringBlockSize;
    this.#words = new Int32Array(memory.buffer, memory.byteOffset, memory.length / 4);
    this.#bell = bell;
    const entries = new Uint8Array(new ArrayBuffer(2 * pollEntry.size));
    this.#entries = new DataView(entries.buffer);
    for (const [index, descriptor] of [fd, bell].entries()) {
      this.#entries.setInt32(index * pollEntry.size, descriptor, true);
      this.#entries.setInt16(index * pollEntry.size + pollEntry.events, pollIn, true);
    }
    const { poll } = library.c;
    this.#poll = promisify((timeout: number, done: (error: unknown, result: number) => void) => {
      poll?.async(entries, 2, timeout, done);
    });
  }

  /** Whether a block is filled and ours. */
  isReady(block: number): boolean {
    const word = (block * ringBlockSize + blockLayout.status) / 4;
    return (Atomics.load(this.#words, word) & frameStatus.user) !== 0;
  }

  /** Gives a block back to the kernel: its bytes may change from now on. */
  release(block: number): void {
    Atomics.store(
      this.#words,
      (block * ringBlockSize + blockLayout.status) / 4,
      frameStatus.kernel,
    );
  }

  /** The number of a block, in the order in which the kernel began them, from 1; 0: not yet. */
  sequence(block: number): number {
    return Atomics.load(this.#words, (block * ringBlockSize + blockLayout.sequence) / 4) >>> 0;
  }

  /**
   * Resolves when a block is ready, after `wake`, or for no reason.
   * @throws CAPTURE_FAILED when the socket is broken
   */
  async wait(): Promise<void> {
    // The entries are nobody else's while this waits.
    await this.#poll(-1);
    const returned = this.#entries.getInt16(pollEntry.returned, true);
    if ((returned & pollError) === 0) return;
    const error = this.#socketError();
    // A loopback that is down may come up again, and libpcap waits for it too.
    if (error === 0 || error === ENETDOWN) return;
    throw new LbcapError(
      'CAPTURE_FAILED',
      `the capture ended (error ${error} of its socket)`,
      'is the interface still there and up?',
    );
  }

  /** Ends every `wait`, from now on. */
  wake(): void {
    writeSync(this.#bell, new Uint8Array(new BigUint64Array([1n]).buffer));
  }

  /** Gives the kernel its memory back. No `wait` may be under way; the arena's part is empty then. */
  unmap(): void {
    giveMemoryBack(this.#library, this.#memory);
    closeSync(this.#bell);
  }

  #socketError(): number {
    const value = new Uint8Array(new ArrayBuffer(4));
    const length = new Uint8Array(new Uint32Array([4]).buffer);
    const { level, name } = socketError;
    this.#library.c.getsockopt(this.#fd, level, name, value, length);
    return new DataView(value.buffer).getInt32(0, true);
  }
}

/** The arena's memory must be ordinary memory again before the garbage collector frees it. */
function giveMemoryBack({ c }: Library, memory: Uint8Array): void {
  const { private: own, fixed, anonymous } = mmapNumbers;
  const address = c.memcpy(memory, memory, 0);
  if (c.mmap?.(address, memory.length, readWrite, own | fixed | anonymous, -1, 0) === address)
    return;
  throw new LbcapError('INVARIANT', 'the packet ring could not be unmapped');
}

/** How large libpcap's mapping of this socket is (proc_pid_maps(5)); `null` where there is none. */
function mappedSize(fd: number): number | null {
  const name = `socket:[${fstatSync(fd).ino}]`;
  let maps;
  try {
    maps = readFileSync('/proc/self/maps', 'latin1');
  } catch {
    return null;
  }
  const line = maps.split('\n').find((each) => each.endsWith(name));
  const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line ?? '');
  return range === null ? null : Number(BigInt(`0x${range[2]}`) - BigInt(`0x${range[1]}`));
}
