/** seccomp user notification: a filter that hands calls to a supervisor, and its answers. */
import type { KoffiFunc } from 'koffi';
import { Structure, type Kernel } from './kernel.js';
import type { Architecture, AskedCall } from './syscall-numbers.js';

// <linux/seccomp.h>, <linux/prctl.h>, <linux/bpf_common.h>
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
const SECCOMP_RET_ALLOW = 0x7fff_0000;
const SECCOMP_RET_USER_NOTIF = 0x7fc0_0000;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_CHILD_SUBREAPER = 36;
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;
const IOCTL_RECEIVE = 0xc050_2100;
const IOCTL_SEND = 0xc018_2101;
const FLAG_CONTINUE = 1;

/** struct seccomp_data. */
const callData = { number: 0, architecture: 4, arguments: 16 } as const;
/** struct seccomp_notif. */
const notification = { id: 0, pid: 8, number: 16, arguments: 32, size: 80 } as const;
/** struct seccomp_notif_resp. */
const response = { id: 0, value: 8, error: 16, flags: 20, size: 24 } as const;
/** struct sock_filter and struct sock_fprog. */
const filterSize = 8;
const filterProgram = { length: 0, filter: 8, size: 16 } as const;

/** Which argument of sendto(2) is the destination's address. */
const destinationArgument = 4;

/**
 * The classic BPF filter: these calls of this architecture are asked about, all else is let by. So is
 * sendto(2) without a destination, which is what send(2) comes as.
 */
export function callFilter(
  { audit, asked }: Pick<Architecture, 'audit' | 'asked'>,
  names: readonly AskedCall[],
): Buffer {
  const destination = callData.arguments + 8 * destinationArgument;
  const always = names.filter((name) => name !== 'sendto');
  const instructions: [code: number, ifTrue: Way, ifFalse: Way, value: number][] = [
    [LOAD_WORD, 'next', 'next', callData.architecture],
    [JUMP_EQUAL, 'next', 'allow', audit],
    [LOAD_WORD, 'next', 'next', callData.number],
    ...always.map((name) => [JUMP_EQUAL, 'ask', 'next', asked[name]] as [number, Way, Way, number]),
  ];
  if (names.includes('sendto')) {
    instructions.push(
      [JUMP_EQUAL, 'next', 'allow', asked.sendto],
      [LOAD_WORD, 'next', 'next', destination],
      [JUMP_EQUAL, 'next', 'ask', 0],
      [LOAD_WORD, 'next', 'next', destination + 4],
      [JUMP_EQUAL, 'next', 'ask', 0],
    );
  }
  const allow = instructions.length;
  instructions.push(
    [RETURN, 'next', 'next', SECCOMP_RET_ALLOW],
    [RETURN, 'next', 'next', SECCOMP_RET_USER_NOTIF],
  );
  const bytes = Buffer.alloc(instructions.length * filterSize);
  for (const [index, [code, ifTrue, ifFalse, value]] of instructions.entries()) {
    const distances = { next: 0, allow: allow - index - 1, ask: allow - index } as const;
    const at = index * filterSize;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(code === JUMP_EQUAL ? distances[ifTrue] : 0, at + 2);
    bytes.writeUInt8(code === JUMP_EQUAL ? distances[ifFalse] : 0, at + 3);
    bytes.writeUInt32LE(value >>> 0, at + 4);
  }
  return bytes;
}

type Way = 'next' | 'allow' | 'ask';

type Prctl = KoffiFunc<(option: number, a: number, b: number, c: number, d: number) => number>;

/**
 * Puts the filter on this thread, and so on what it forks from now on, for good. Set-user-id
 * programs lose their effect there (no_new_privs), which is what makes it need no rights (5.0).
 *
 * @returns the listener, closed on exec
 * @throws SystemCallError `EBUSY` within another such run
 */
export function installFilter(kernel: Kernel, names: readonly AskedCall[]): number {
  const filter = callFilter(kernel.architecture, names);
  const program = new Structure(kernel, filterProgram.size)
    .set32(filterProgram.length, filter.length / filterSize)
    .setPointer(filterProgram.filter, filter);
  prctl(kernel, PR_SET_NO_NEW_PRIVS);
  return kernel.call('seccomp', SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, program);
}

/** Orphans below this process become its children, so that it sees the last of them end. */
export function adoptOrphans(kernel: Kernel): void {
  prctl(kernel, PR_SET_CHILD_SUBREAPER);
}

function prctl(kernel: Kernel, option: number): void {
  const call = kernel.libc<Prctl>(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  );
  if (call(option, 1, 0, 0, 0) < 0) throw kernel.lastError('prctl');
}

/** A system call that waits for an answer. */
export interface AskedAbout {
  readonly id: bigint;
  /** The thread that called. */
  readonly thread: number;
  readonly number: number;
  /** Its six words, as the kernel has them. */
  readonly words: readonly bigint[];
}

/** An argument that C calls an int, or a length. */
export function wordAsInt(word: bigint): number {
  return Number(BigInt.asIntN(32, word));
}

type Ioctl = KoffiFunc<(descriptor: number, request: number, memory: Uint8Array) => number>;

/** The supervisor's side of a listener. */
export class Listener {
  readonly #kernel: Kernel;
  readonly #descriptor: number;
  readonly #ioctl: Ioctl;
  readonly #notification = Buffer.alloc(notification.size);
  readonly #response = Buffer.alloc(response.size);

  constructor(kernel: Kernel, descriptor: number) {
    this.#kernel = kernel;
    this.#descriptor = descriptor;
    this.#ioctl = kernel.libc<Ioctl>(
      'int ioctl(int descriptor, unsigned long request, void *memory)',
    );
  }

  /** The next call; waits for it. `null` when its caller was killed meanwhile. */
  receive(): AskedAbout | null {
    // The kernel insists on zeros.
    const memory = this.#notification.fill(0);
    if (this.#ioctl(this.#descriptor, IOCTL_RECEIVE, memory) < 0) {
      const error = this.#kernel.lastError('ioctl');
      if (error.code === 'ENOENT' || error.code === 'EINTR') return null;
      throw error;
    }
    return {
      id: memory.readBigUInt64LE(notification.id),
      thread: memory.readUInt32LE(notification.pid),
      number: memory.readInt32LE(notification.number),
      words: [0, 1, 2, 3, 4, 5].map((index) =>
        memory.readBigUInt64LE(notification.arguments + 8 * index),
      ),
    };
  }

  /** Lets the kernel do the call as if nobody had asked. */
  proceed(call: AskedAbout): void {
    this.#send(call, 0n, 0, FLAG_CONTINUE);
  }

  /** The call is not made: it was done in the program's place, with this result. */
  succeed(call: AskedAbout, result: number): void {
    this.#send(call, BigInt(result), 0, 0);
  }

  /** The call is not made: it fails. */
  fail(call: AskedAbout, errno: number): void {
    this.#send(call, 0n, -errno, 0);
  }

  #send(call: AskedAbout, value: bigint, error: number, flags: number): void {
    const memory = this.#response.fill(0);
    memory.writeBigUInt64LE(call.id, response.id);
    memory.writeBigInt64LE(value, response.value);
    memory.writeInt32LE(error, response.error);
    memory.writeUInt32LE(flags, response.flags);
    if (this.#ioctl(this.#descriptor, IOCTL_SEND, memory) < 0) {
      const failure = this.#kernel.lastError('ioctl');
      // ENOENT: killed, or a signal came, and it calls again.
      if (failure.code !== 'ENOENT') throw failure;
    }
  }
}
