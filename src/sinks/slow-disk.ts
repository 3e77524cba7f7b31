/** Notices when writes on this thread wait for the disk. */

/**
 * A write that took longer has waited for it (dirty pages are beyond their limit, a network file system is slow);
 * then workers write for a while, so that timers and signals are answered. Milliseconds.
 */
const slowWrite = 50;
const slowFor = 1000;

export class SlowDisk {
  /** Until then the disk is taken to be slow (performance.now()). */
  #until = 0;

  /** @param now of performance.now() */
  isSlow(now: number): boolean {
    return now < this.#until;
  }

  /** @param before when a write on this thread began */
  wrote(before: number): void {
    const after = performance.now();
    if (after - before > slowWrite) this.#until = after + slowFor;
  }
}
