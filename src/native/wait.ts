/** Whether a child has stopped: waitid(2), which Node asks about ends only. */
import { constants } from 'node:os';
import type { KoffiFunc } from 'koffi';
import type { Kernel } from './kernel.js';

// <linux/wait.h>, <bits/waitflags.h>
const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 0x1;
const WSTOPPED = 0x2;
const WEXITED = 0x4;
const WNOWAIT = 0x0100_0000;

/** siginfo_t for SIGCHLD on 64-bit Linux. */
const information = { pid: 12 + 4, status: 12 + 12, size: 128 } as const;

type WaitId = KoffiFunc<(type: number, id: number, info: Uint8Array, options: number) => number>;

export class Waiter {
  readonly #kernel: Kernel;
  readonly #waitid: WaitId;
  readonly #info = Buffer.alloc(information.size);

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#waitid = kernel.library.func(
      'int waitid(int type, uint32_t id, void *info, int options)',
    );
  }

  /** The signal that stopped the child since this was last asked, or `null`. */
  stopSignalOf(pid: number): number | null {
    this.#info.fill(0);
    if (this.#waitid(P_PID, pid, this.#info, WSTOPPED | WNOHANG) < 0) return null;
    if (this.#info.readInt32LE(information.pid) === 0) return null;
    return this.#info.readInt32LE(information.status);
  }

  /**
   * Buries adopted orphans that have ended; `own` is Node's to wait for.
   *
   * @returns whether children are left, `own` aside
   */
  reapOrphans(own: ReadonlySet<number>): boolean {
    for (;;) {
      this.#info.fill(0);
      if (this.#waitid(P_ALL, 0, this.#info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        const error = this.#kernel.lastError('waitid');
        if (error.errno === constants.errno.ECHILD) return false;
        throw error;
      }
      const pid = this.#info.readInt32LE(information.pid);
      if (pid === 0 || own.has(pid)) return true;
      this.#waitid(P_PID, pid, this.#info, WEXITED | WNOHANG);
    }
  }
}
