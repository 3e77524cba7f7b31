/** What became of children: waitid(2), for those that Node did not start. */
import type { KoffiFunc } from 'koffi';
import type { Kernel } from './kernel.js';

// <linux/wait.h>, <bits/waitflags.h>
const P_PID = 1;
const WNOHANG = 0x1;
const WSTOPPED = 0x2;
const WEXITED = 0x4;

// <asm-generic/siginfo.h>
const CLD_EXITED = 1;
const CLD_STOPPED = 5;

/** siginfo_t for SIGCHLD on 64-bit Linux. */
const information = { code: 8, pid: 12 + 4, status: 12 + 12, size: 128 } as const;

type WaitId = KoffiFunc<(type: number, id: number, info: Uint8Array, options: number) => number>;

export type Change =
  /** `signal` ended it, unless that is 0. */
  | { readonly kind: 'ended'; readonly status: number; readonly signal: number }
  | { readonly kind: 'stopped'; readonly signal: number };

export class Waiter {
  readonly #waitid: WaitId;
  readonly #info = Buffer.alloc(information.size);

  constructor(kernel: Kernel) {
    this.#waitid = kernel.libc<WaitId>(
      'int waitid(int type, uint32_t id, void *info, int options)',
    );
  }

  /** What happened to a child since this was last asked, or `null`. One that ended is buried. */
  changeOf(pid: number): Change | null {
    if (!this.#wait(pid, WEXITED | WSTOPPED | WNOHANG)) return null;
    const code = this.#info.readInt32LE(information.code);
    const value = this.#info.readInt32LE(information.status);
    if (code === CLD_STOPPED) return { kind: 'stopped', signal: value };
    return code === CLD_EXITED
      ? { kind: 'ended', status: value, signal: 0 }
      : { kind: 'ended', status: 0, signal: value };
  }

  /** Buries a child if it has ended; waits for nothing. @returns whether it had */
  bury(pid: number): boolean {
    return this.#wait(pid, WEXITED | WNOHANG);
  }

  /** Waits until a child that was killed is gone. */
  buryKilled(pid: number): void {
    this.#wait(pid, WEXITED);
  }

  #wait(pid: number, options: number): boolean {
    this.#info.fill(0);
    const failed = this.#waitid(P_PID, pid, this.#info, options) < 0;
    return !failed && this.#info.readInt32LE(information.pid) !== 0;
  }
}
