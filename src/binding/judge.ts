/** Decides about each call that method seccomp is asked about. */
import { closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../errors.js';
import { SystemCallError } from '../native/errno.js';
import { ForeignSockets, socketFamily } from '../native/foreign-socket.js';
import type { Kernel } from '../native/kernel.js';
import { wordAsInt, type AskedAbout, type Listener } from '../native/seccomp.js';
import type { Block } from './account-layout.js';
import { BindJudge, type BindOptions } from './bind-judge.js';
import { ConnectJudge } from './connect-judge.js';
import { destinationOf, type LoopbackDestination } from './destination.js';
import { LabelTurns } from './label-turns.js';
import type { Ipv6Mode } from './plan.js';
import { parseOwnCgroup } from './proc.js';
import { SendJudge } from './send-judge.js';
import type { Sources } from './sources.js';

export interface JudgeOrder extends BindOptions {
  readonly sources: Sources;
  readonly ipv6: Ipv6Mode;
  /** Counts as the BPF programs lay them out; shared with the main thread. */
  readonly words: BigUint64Array;
  readonly perAddress: BigUint64Array;
}

/** More than any datagram holds: what claims to be longer is the kernel's to refuse. */
const longestDatagram = 65_535;

/** What becomes of a call: done with this result, an error number below 0, or `null`: it goes on. */
type Outcome = number | null;

export class Judge {
  readonly #kernel: Kernel;
  readonly #sockets: ForeignSockets;
  readonly #turns: LabelTurns;
  readonly #connects: ConnectJudge;
  readonly #sends: SendJudge;
  readonly #binds: BindJudge;
  /** What the cgroup of a run by BPF inside this one begins with; only root can start one. */
  readonly #innerRun: string | null;

  constructor(kernel: Kernel, order: JudgeOrder) {
    const { sources, ipv6, words, perAddress } = order;
    this.#kernel = kernel;
    this.#sockets = new ForeignSockets(kernel);
    this.#turns = new LabelTurns(sources, words, perAddress);
    this.#connects = new ConnectJudge(this.#sockets, this.#turns, ipv6);
    this.#sends = new SendJudge(this.#sockets, this.#turns, ipv6);
    this.#binds = new BindJudge(this.#sockets, this.#turns, order);
    const own = process.geteuid?.() === 0 ? ownCgroup('self') : null;
    this.#innerRun = own === null ? null : join(own, 'lbcap-');
  }

  decide(call: AskedAbout, listener: Listener): void {
    const outcome = this.#outcomeOf(call);
    if (outcome === null) listener.proceed(call);
    else if (outcome < 0) listener.fail(call, -outcome);
    else listener.succeed(call, outcome);
  }

  #outcomeOf(call: AskedAbout): Outcome {
    // The main thread has the filter too; it must not wait for itself to be traced.
    if (call.thread === process.pid) return null;
    if (this.#innerRun !== null && isWithinRun(call.thread, this.#innerRun)) return null;
    const { sendto, bind } = this.#kernel.architecture.asked;
    if (call.number === sendto) return this.#sendOf(call);
    return call.number === bind ? this.#bindOf(call) : this.#connectOf(call);
  }

  /** bind(socket, name, length) */
  #bindOf(call: AskedAbout): Outcome {
    const [socket, name, length] = call.words;
    const wanted = this.#destinationOf(call, name, length);
    if (wanted === null) return null;
    return this.#withSocket(call, socket, 'bind', (own, family) => {
      const errno = this.#binds.judge(own, family, wanted);
      return errno === null ? null : -errno;
    });
  }

  /** connect(socket, name, length) */
  #connectOf(call: AskedAbout): Outcome {
    const [socket, name, length] = call.words;
    const destination = this.#destinationOf(call, name, length);
    if (destination === null) return null;
    return this.#withSocket(call, socket, 'stream', (own, family) => {
      const errno = this.#connects.judge(own, family, destination);
      return errno === null ? null : -errno;
    });
  }

  /** sendto(socket, bytes, length, flags, name, nameLength) */
  #sendOf(call: AskedAbout): Outcome {
    const [socket, address, length, flags, name, nameLength] = call.words;
    const destination = this.#destinationOf(call, name, nameLength);
    if (destination === null || length > BigInt(longestDatagram)) return null;
    const bytes = this.#sockets.read(call.thread, address, Number(length));
    if (bytes === null) return null;
    return this.#withSocket(call, socket, 'message', (own, family) =>
      this.#sends.judge(own, family, destination, { bytes, flags: wordAsInt(flags) }),
    );
  }

  #destinationOf(call: AskedAbout, name: bigint, length: bigint): LoopbackDestination | null {
    const bytes = this.#sockets.readName(call.thread, name, Math.max(0, wordAsInt(length)));
    return bytes === null ? null : destinationOf(bytes);
  }

  /** @param block where it is counted when the socket cannot be had */
  #withSocket(
    call: AskedAbout,
    descriptor: bigint,
    block: Block,
    judge: (socket: number, family: number) => Outcome,
  ): Outcome {
    let socket: number;
    try {
      socket = this.#sockets.take(call.thread, wordAsInt(descriptor));
    } catch (error) {
      // Gone meanwhile, or no such descriptor: the call itself will say so.
      if (isSystemError(error, 'ESRCH', 'ENOENT', 'EBADF')) return null;
      if (!(error instanceof SystemCallError)) throw error;
      // A process that may not be traced, mostly.
      this.#turns.count(block, error.errno);
      return null;
    }
    try {
      const family = this.#sockets.family(socket);
      if (family !== socketFamily.inet && family !== socketFamily.inet6) return null;
      return judge(socket, family);
    } finally {
      closeSync(socket);
    }
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
