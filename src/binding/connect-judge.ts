/** Decides about each connect(2) under method seccomp: bind the socket first, or refuse, or not. */
import { closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../errors.js';
import { mappedIPv4, valueOf } from '../labels/address.js';
import { errnoOf, SystemCallError } from '../native/errno.js';
import { datagramSocket, ForeignSockets, socketFamily } from '../native/foreign-socket.js';
import type { Kernel } from '../native/kernel.js';
import type { ConnectCall, Listener } from '../native/seccomp.js';
import { blocks, blockWords, extra, word } from './account-layout.js';
import { destinationOf, mapped, readName, writeName, type Destination } from './destination.js';
import { parseOwnCgroup } from './proc.js';
import type { Ipv6Mode } from './plan.js';
import { addressAt, countOf, type AddressRun, type Sources } from './sources.js';

export interface JudgeOrder {
  readonly sources: Sources;
  readonly ipv6: Ipv6Mode;
  /** Counts as the BPF programs lay them out; shared with the main thread. */
  readonly words: BigUint64Array;
  readonly perAddress: BigUint64Array;
}

const localhost4 = Uint8Array.of(127, 0, 0, 1);
const localhost6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

export class ConnectJudge {
  readonly #order: JudgeOrder;
  readonly #sockets: ForeignSockets;
  /** What the cgroup of a run by BPF inside this one begins with; only root can start one. */
  readonly #innerRun: string | null;

  constructor(kernel: Kernel, order: JudgeOrder) {
    this.#order = order;
    const own = process.geteuid?.() === 0 ? ownCgroup('self') : null;
    this.#innerRun = own === null ? null : join(own, 'lbcap-');
    this.#sockets = new ForeignSockets(kernel);
  }

  decide(call: ConnectCall, listener: Listener): void {
    const errno = this.#judge(call);
    if (errno === null) listener.proceed(call);
    else listener.answer(call, errno);
  }

  /** @returns the call's result, or `null` when it shall go on */
  #judge(call: ConnectCall): number | null {
    // The main thread has the filter too; it must not wait for itself to be traced.
    if (call.thread === process.pid) return null;
    if (this.#innerRun !== null && isWithinRun(call.thread, this.#innerRun)) return null;
    const name = this.#sockets.read(call.thread, call.address, call.length);
    const destination = name === null ? null : destinationOf(name);
    if (destination === null || destination.kind === 'other') return null;
    let socket: number;
    try {
      socket = this.#sockets.take(call.thread, call.descriptor);
    } catch (error) {
      // Gone meanwhile, or no such descriptor: the call itself will say so.
      if (isSystemError(error, 'ESRCH', 'ENOENT', 'EBADF')) return null;
      if (!(error instanceof SystemCallError)) throw error;
      // A process that may not be traced, mostly.
      this.#count('stream', error.errno);
      return null;
    }
    try {
      return this.#bind(socket, destination);
    } finally {
      closeSync(socket);
    }
  }

  #bind(socket: number, destination: Exclude<Destination, { kind: 'other' }>): number | null {
    const family = this.#sockets.family(socket);
    if (family !== socketFamily.inet && family !== socketFamily.inet6) return null;
    const block = this.#sockets.type(socket) === datagramSocket ? 'datagram' : 'stream';
    const { sources, ipv6, words } = this.#order;
    const own = readName(this.#sockets.nameOf(socket));
    if (own !== null && own.address.some((byte) => byte !== 0)) {
      this.#count(block, isOneOf(sources, own.address) ? word.done : word.kept);
      return null;
    }
    const to4 = destination.kind === 'ipv6' && ipv6 === 'to4';
    if (destination.kind === 'ipv6' && ipv6 === 'refuse') {
      words[extra.refused] += 1n;
      return errnoOf('ECONNREFUSED');
    }
    if (to4) words[extra.to4] += 1n;
    const runs = destination.kind === 'ipv4' || to4 ? sources.ipv4 : sources.ipv6;
    const failure =
      runs.length === 0 ? errnoOf('EAFNOSUPPORT') : this.#bindTo(socket, family, runs, block);
    if (runs.length === 0 || failure !== 0) this.#count(block, failure);
    if (!to4 && !destination.unspecified) return null;
    const to = destination.kind === 'ipv4' || to4 ? localhost4 : localhost6;
    const address = to.length === 4 && family === socketFamily.inet6 ? mapped(to) : to;
    return this.#connect(socket, writeName(address, destination.port));
  }

  /** Binds to the next address; counts success. @returns the error number */
  #bindTo(
    socket: number,
    family: number,
    runs: readonly AddressRun[],
    block: 'stream' | 'datagram',
  ): number {
    const { sources, words, perAddress } = this.#order;
    const version4 = runs === sources.ipv4;
    const size = countOf(runs);
    const cursor = blocks[block] * blockWords + (version4 ? word.cursor4 : word.cursor6);
    const turn = Number(words[cursor] % BigInt(size));
    words[cursor] += 1n;
    const address = addressAt(runs, turn);
    const errno = this.#sockets.bind(
      socket,
      writeName(version4 && family === socketFamily.inet6 ? mapped(address) : address, 0),
    );
    if (errno !== 0) return errno;
    this.#count(block, word.done);
    const total = countOf(sources.ipv4) + countOf(sources.ipv6);
    if (size > 1) {
      perAddress[
        (version4 ? 0 : countOf(sources.ipv4)) + turn + (block === 'stream' ? 0 : total)
      ] += 1n;
    }
    return 0;
  }

  /**
   * Connects in the program's place, since it named another destination. What takes long is left
   * to the program's own call: on a socket that is connecting already, the kernel does not look at
   * the address again, but waits as the program wants it to (inet_stream_connect).
   */
  #connect(socket: number, name: Buffer): number | null {
    const errno = this.#sockets.connect(socket, name);
    if (errno !== errnoOf('EINPROGRESS') || this.#sockets.nonBlocking(socket)) return errno;
    return null;
  }

  #count(block: 'stream' | 'datagram', index: number): void {
    this.#order.words[blocks[block] * blockWords + Math.min(index, word.kept)] += 1n;
  }
}

/** The inner label wins; its programs come after this judge and give way to a source there is. */
function isWithinRun(thread: number, prefix: string): boolean {
  return ownCgroup(thread)?.startsWith(prefix) === true;
}

function ownCgroup(thread: number | 'self'): string | null {
  try {
    return parseOwnCgroup(readFileSync(`/proc/${thread}/cgroup`, 'utf8'));
  } catch {
    return null;
  }
}

/** Whether an address, IPv4-mapped or not, is one of the label's. */
function isOneOf({ ipv4, ipv6 }: Sources, address: Uint8Array): boolean {
  const value = valueOf(address);
  const as4 = address.length === 4 ? value : mappedIPv4(value);
  const within = (runs: readonly AddressRun[], wanted: bigint) =>
    runs.some(({ first, count }) => {
      const offset = wanted - valueOf(first);
      return offset >= 0n && offset < BigInt(count);
    });
  return as4 === null ? within(ipv6, value) : within(ipv4, as4);
}
