/** Linux system calls that Node has no function for, called through koffi. */
import type { KoffiFunc } from 'koffi';
import { LbcapError } from '../errors.js';
import { platform } from '../loopback/platform.js';
import { SystemCallError } from './errno.js';
import { loadKoffiAddon } from './koffi-addon.js';
import { loadKoffi, type Koffi } from './koffi.js';
import { architectureOf, type Architecture, type SystemCallName } from './syscall-numbers.js';

/** A structure for the kernel that may point to further memory. */
export class Structure {
  readonly bytes: Buffer;
  readonly #kernel: Kernel;
  readonly #referred: Uint8Array[] = [];

  constructor(kernel: Kernel, size: number) {
    this.#kernel = kernel;
    this.bytes = Buffer.alloc(size);
  }

  /** Little-endian, as every architecture is whose system calls are known here. */
  set32(offset: number, value: number): this {
    this.bytes.writeUInt32LE(value >>> 0, offset);
    return this;
  }

  get32(offset: number): number {
    return this.bytes.readUInt32LE(offset);
  }

  /** Text of at most `room` bytes, the final zero included. */
  setText(offset: number, text: string, room: number): this {
    this.bytes.write(text, offset, room - 1, 'latin1');
    return this;
  }

  /** The address of `memory`, which lives as long as this structure does. */
  setPointer(offset: number, memory: Uint8Array): this {
    this.#referred.push(memory);
    this.bytes.writeBigUInt64LE(this.#kernel.addressOf(memory), offset);
    return this;
  }
}

/** A word of a system call: a number, or memory of ours, of which the kernel gets the address. */
export type Word = number | bigint | Uint8Array | Structure;

type SystemCall = KoffiFunc<(number: number, ...words: (number | bigint)[]) => number>;

/** What all rooms that talk to the kernel share. */
export class Kernel {
  readonly koffi: Koffi;
  readonly #library: ReturnType<Koffi['load']>;
  readonly architecture: Architecture;
  readonly #syscall: SystemCall;
  readonly #functions = new Map<string, unknown>();
  /** The words of the last call: the kernel has addresses only, which V8 does not count. */
  #inUse: readonly Word[] = [];

  constructor(koffi: Koffi, architecture: Architecture) {
    this.koffi = koffi;
    this.architecture = architecture;
    // null: whatever libc this process runs on.
    this.#library = koffi.load(null);
    this.#syscall = this.#library.func(
      'long syscall(long n, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f)',
    );
  }

  /**
   * A system call with up to six words.
   *
   * @returns what the kernel returns, 0 or more
   * @throws SystemCallError
   */
  call(name: SystemCallName, ...words: readonly Word[]): number {
    this.#inUse = words;
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = this.#inUse.map((word) =>
      typeof word === 'object' ? this.addressOf(word) : word,
    );
    const result = this.#syscall(this.architecture.numbers[name], a, b, c, d, e, f);
    if (result < 0) throw new SystemCallError(name, this.koffi.errno());
    return result;
  }

  /**
   * A function of libc.
   *
   * @param prototype as C declares it, in koffi's words; the caller's type has to agree with it
   */
  libc<Function>(prototype: string): Function {
    let found = this.#functions.get(prototype);
    if (found === undefined) {
      found = this.#library.func(prototype);
      this.#functions.set(prototype, found);
    }
    return found as Function;
  }

  /** Where memory is. V8 never moves a Buffer's memory, but frees what nobody refers to. */
  addressOf(memory: Uint8Array | Structure): bigint {
    return this.koffi.address(memory instanceof Structure ? memory.bytes : memory);
  }

  /** The error of the last call of a libc function that returned -1. */
  lastError(name: string): SystemCallError {
    return new SystemCallError(name, this.koffi.errno());
  }
}

let opening: Promise<Kernel> | undefined;

/**
 * @throws LbcapError `PLATFORM_UNSUPPORTED` where this is not Linux, or on an unknown architecture;
 * `ENGINE_MISSING` without koffi
 */
export function openKernel(): Promise<Kernel> {
  opening ??= open();
  return opening;
}

/** @throws LbcapError `PLATFORM_UNSUPPORTED` */
export function requireLinux(): void {
  if (platform() === 'linux') return;
  throw new LbcapError(
    'PLATFORM_UNSUPPORTED',
    'lbcap run binds programs on Linux only',
    'bind the client by hand: lbcap run --recipe LABEL shows how',
  );
}

async function open(): Promise<Kernel> {
  requireLinux();
  const architecture = architectureOf(process.arch);
  return new Kernel(loadKoffiAddon(process.arch) ?? (await loadKoffi()), architecture);
}
