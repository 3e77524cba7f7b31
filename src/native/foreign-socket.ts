/** Another process's sockets and memory: pidfd_getfd(2), process_vm_readv(2), bind(2). */
import { closeSync, constants, readFileSync } from 'node:fs';
import type { KoffiFunc } from 'koffi';
import { isSystemError } from '../errors.js';
import { Structure, type Kernel } from './kernel.js';

// <sys/socket.h>, <netinet/in.h>
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_SNDTIMEO = 21;
const SO_DOMAIN = 39;
const IPPROTO_IP = 0;
const IP_BIND_ADDRESS_NO_PORT = 24;
const F_GETFL = 3;
/** struct iovec. */
const vector = { base: 0, length: 8, size: 16 } as const;
const timevalSize = 16;
const longestName = 128;

export const socketFamily = { inet: 2, inet6: 10 } as const;
export const datagramSocket = 2;

type Option = KoffiFunc<
  (socket: number, level: number, name: number, value: Uint8Array, length: number) => number
>;
type OptionInto = KoffiFunc<
  (socket: number, level: number, name: number, value: Uint8Array, length: Uint8Array) => number
>;
type WithName = KoffiFunc<(socket: number, name: Uint8Array, length: number) => number>;
type NameInto = KoffiFunc<(socket: number, name: Uint8Array, length: Uint8Array) => number>;
type Control = KoffiFunc<(descriptor: number, command: number, word: number) => number>;
type ReadMemory = KoffiFunc<
  (pid: number, to: Uint8Array, n: number, from: Uint8Array, m: number, flags: number) => number
>;

/** Results are 0 or an error number: what fails here is counted, not thrown. */
export class ForeignSockets {
  readonly #kernel: Kernel;
  readonly #setsockopt: Option;
  readonly #getsockopt: OptionInto;
  readonly #bind: WithName;
  readonly #connect: WithName;
  readonly #getsockname: NameInto;
  readonly #fcntl: Control;
  readonly #readMemory: ReadMemory;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#setsockopt = kernel.libc<Option>(
      'int setsockopt(int s, int l, int n, void *v, uint32_t z)',
    );
    this.#getsockopt = kernel.libc<OptionInto>(
      'int getsockopt(int s, int l, int n, void *v, void *z)',
    );
    this.#bind = kernel.libc<WithName>('int bind(int s, void *name, uint32_t length)');
    this.#connect = kernel.libc<WithName>('int connect(int s, void *name, uint32_t length)');
    this.#getsockname = kernel.libc<NameInto>('int getsockname(int s, void *name, void *length)');
    this.#fcntl = kernel.libc<Control>('int fcntl(int d, int c, long w)');
    this.#readMemory = kernel.libc<ReadMemory>(
      'long process_vm_readv(int p, void *l, unsigned long n, void *r, unsigned long m, unsigned long f)',
    );
  }

  /** Bytes of another process's memory, `null` where they cannot be read. */
  read(pid: number, address: bigint, length: number): Buffer | null {
    const bytes = Buffer.alloc(Math.min(length, longestName));
    const local = new Structure(this.#kernel, vector.size)
      .setPointer(vector.base, bytes)
      .set32(vector.length, bytes.length);
    const remote = new Structure(this.#kernel, vector.size).set32(vector.length, bytes.length);
    remote.bytes.writeBigUInt64LE(address, vector.base);
    const count = this.#readMemory(pid, local.bytes, 1, remote.bytes, 1, 0);
    return count === bytes.length ? bytes : null;
  }

  /**
   * Another process's descriptor as one of our own, to be closed.
   *
   * @param thread any thread of it
   * @throws SystemCallError `EPERM` where it may not be traced, `EBADF` when it has no such descriptor
   */
  take(thread: number, descriptor: number): number {
    const process = this.#openProcess(thread);
    try {
      return this.#kernel.call('pidfd_getfd', process, descriptor, 0);
    } finally {
      closeSync(process);
    }
  }

  #openProcess(thread: number): number {
    try {
      return this.#kernel.call('pidfd_open', thread, 0);
    } catch (error) {
      // Not the first thread of its process: ENOENT since 6.9, EINVAL before.
      if (!isSystemError(error, 'EINVAL', 'ENOENT')) throw error;
      const status = readFileSync(`/proc/${thread}/status`, 'latin1');
      const group = /^Tgid:\s*([0-9]+)$/m.exec(status)?.[1];
      if (group === undefined) throw error;
      return this.#kernel.call('pidfd_open', Number(group), 0);
    }
  }

  /** AF_… of a socket; -1 for what is none. */
  family(socket: number): number {
    return this.#option(socket, SO_DOMAIN);
  }

  /** SOCK_… of a socket. */
  type(socket: number): number {
    return this.#option(socket, SO_TYPE);
  }

  #option(socket: number, name: number): number {
    const value = Buffer.alloc(4);
    const length = Buffer.from([4, 0, 0, 0]);
    return this.#getsockopt(socket, SOL_SOCKET, name, value, length) < 0 ? -1 : value.readInt32LE();
  }

  /** The socket's own name, a sockaddr. */
  nameOf(socket: number): Buffer {
    const name = Buffer.alloc(longestName);
    const length = Buffer.from([longestName, 0, 0, 0]);
    this.#getsockname(socket, name, length);
    return name;
  }

  /** Binds to an address with port 0, whose port is taken only as it connects: ip(7). */
  bind(socket: number, name: Buffer): number {
    const one = Buffer.from([1, 0, 0, 0]);
    // Before 4.2 it costs a port for each connection, and works.
    this.#setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, one, one.length);
    return this.#bind(socket, name, name.length) < 0 ? this.#kernel.koffi.errno() : 0;
  }

  /**
   * Connects without waiting for longer than a tick, whatever the socket is set to: `EINPROGRESS`
   * then, and the kernel goes on.
   */
  connect(socket: number, name: Buffer): number {
    const before = Buffer.alloc(timevalSize);
    const length = Buffer.from([timevalSize, 0, 0, 0]);
    this.#getsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, before, length);
    const shortest = Buffer.alloc(timevalSize);
    shortest.writeBigInt64LE(1n, 8);
    this.#setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, shortest, timevalSize);
    const errno = this.#connect(socket, name, name.length) < 0 ? this.#kernel.koffi.errno() : 0;
    this.#setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, before, timevalSize);
    return errno;
  }

  /** Whether the program does not want to wait on it either. */
  nonBlocking(socket: number): boolean {
    return (this.#fcntl(socket, F_GETFL, 0) & constants.O_NONBLOCK) !== 0;
  }
}
