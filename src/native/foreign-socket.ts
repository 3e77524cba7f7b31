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
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IP_BIND_ADDRESS_NO_PORT = 24;
const F_GETFL = 3;
/** struct iovec. */
const vector = { base: 0, length: 8, size: 16 } as const;
const timevalSize = 16;
/** struct msghdr. */
const messageHeader = {
  name: 0,
  nameLength: 8,
  vectors: 16,
  vectorCount: 24,
  control: 32,
  controlLength: 40,
  size: 56,
} as const;
/** struct cmsghdr. */
const controlHeader = { length: 0, level: 8, type: 12, size: 16 } as const;
/** struct in_pktinfo (IP_PKTINFO) and in6_pktinfo (IPV6_PKTINFO): where the source is in each. */
const packetInformation = {
  4: { level: IPPROTO_IP, type: 8, size: 12, at: 4 },
  6: { level: IPPROTO_IPV6, type: 50, size: 20, at: 0 },
} as const;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
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
type SendMessage = KoffiFunc<(socket: number, message: Uint8Array, flags: number) => number>;
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
  readonly #sendmsg: SendMessage;
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
    this.#sendmsg = kernel.libc<SendMessage>('long sendmsg(int s, void *message, int flags)');
    this.#readMemory = kernel.libc<ReadMemory>(
      'long process_vm_readv(int p, void *l, unsigned long n, void *r, unsigned long m, unsigned long f)',
    );
  }

  /** A sockaddr in another process's memory, `null` where it cannot be read. */
  readName(pid: number, address: bigint, length: number): Buffer | null {
    return this.read(pid, address, Math.min(length, longestName));
  }

  /** Bytes of another process's memory, `null` where they cannot be read. */
  read(pid: number, address: bigint, length: number): Buffer | null {
    if (length === 0) return Buffer.alloc(0);
    const bytes = Buffer.alloc(length);
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

  /** Whether an IPv6 socket is for IPv6 alone. */
  ipv6Only(socket: number): boolean {
    return this.#option(socket, IPV6_V6ONLY, IPPROTO_IPV6) === 1;
  }

  #option(socket: number, name: number, level = SOL_SOCKET): number {
    const value = Buffer.alloc(4);
    const length = Buffer.from([4, 0, 0, 0]);
    return this.#getsockopt(socket, level, name, value, length) < 0 ? -1 : value.readInt32LE();
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
    return this.bindNow(socket, name);
  }

  /** Binds to an address and a port, for 0 to one that is free. */
  bindNow(socket: number, name: Buffer): number {
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

  /**
   * Sends a datagram from an address of this machine's that the socket need not be bound to: ip(7),
   * ipv6(7). Never waits.
   *
   * @param source 4 bytes, for a destination that is IPv4 or IPv4-mapped, or 16
   * @returns the bytes sent, or an error number below 0
   */
  sendFrom(
    socket: number,
    source: Uint8Array,
    { name, bytes, flags }: { name: Buffer; bytes: Buffer; flags: number },
  ): number {
    const { level, type, size, at } = packetInformation[source.length === 4 ? 4 : 6];
    const control = Buffer.alloc(controlHeader.size + Math.ceil(size / 8) * 8);
    control.writeBigUInt64LE(BigInt(controlHeader.size + size), controlHeader.length);
    control.writeInt32LE(level, controlHeader.level);
    control.writeInt32LE(type, controlHeader.type);
    control.set(source, controlHeader.size + at);
    const part = new Structure(this.#kernel, vector.size)
      .setPointer(vector.base, bytes)
      .set32(vector.length, bytes.length);
    const message = new Structure(this.#kernel, messageHeader.size)
      .setPointer(messageHeader.name, name)
      .set32(messageHeader.nameLength, name.length)
      .setPointer(messageHeader.vectors, part.bytes)
      .set32(messageHeader.vectorCount, 1)
      .setPointer(messageHeader.control, control)
      .set32(messageHeader.controlLength, control.length);
    const sent = this.#sendmsg(socket, message.bytes, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -this.#kernel.koffi.errno() : sent;
  }

  /** Whether the program does not want to wait on it either. */
  nonBlocking(socket: number): boolean {
    return (this.#fcntl(socket, F_GETFL, 0) & constants.O_NONBLOCK) !== 0;
  }
}
