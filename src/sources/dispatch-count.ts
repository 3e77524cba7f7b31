/** How many packets to ask libpcap for at once. */

/** What a run should come to: large enough to be worth a call, small enough to stay in the cache. */
export const runTarget = 1 << 20;

/**
 * Bounds. A call costs 12 us of CPU on top of its packets, more where a thread has to be woken, and
 * 4096 small packets carry that easily (native-notes/libpcap.md). 4096
 * packets of the largest kind that lo carries (64 KiB) are 256 MiB: that bounds the memory of a
 * single run, whatever the traffic turns into between two calls.
 */
export const minimumCount = 16;
export const maximumCount = 4096;

/**
 * The next count, from what the last call brought: doubled while full calls stay well below the
 * target, halved when a run went over it. Calls that the kernel ended early say nothing.
 */
export function nextCount(count: number, packets: number, runBytes: number): number {
  if (runBytes > runTarget) return Math.max(minimumCount, count >> 1);
  if (packets >= count && runBytes * 2 < runTarget) return Math.min(maximumCount, count << 1);
  return count;
}
