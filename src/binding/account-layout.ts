/** Where the kernel's counts are: 64-bit words of one map value, written by the programs. */

/** A block for each way that an address is given. */
export const blocks = {
  /** connect(2) on TCP and whatever else is a stream. */
  stream: 0,
  /** connect(2) on UDP. */
  datagram: 1,
  /** sendto(2) and sendmsg(2) on UDP that is not connected. */
  message: 2,
  /** bind(2): what listens, under --server, and what binds first, under --rebind. */
  bind: 3,
} as const;

export type Block = keyof typeof blocks;

/** Words of a block. Word 0 counts successes; word N failures with error number N. */
export const word = {
  done: 0,
  /** Error numbers beyond this one share the word behind it: 133 is EHWPOISON, Linux's last. */
  lastErrno: 133,
  otherErrno: 134,
  /** The program had chosen a source of its own, and it is not the label's. */
  kept: 135,
  /** The next address of a pool; apart, for a resolver's UDP probes must not take every second. */
  cursor4: 136,
  cursor6: 137,
} as const;

export const blockWords = 138;

/** Words behind the blocks. */
export const extra = {
  /** Connections to ::1 that were led to 127.0.0.1. */
  to4: 4 * blockWords,
  /** Connections to ::1 that were refused. */
  refused: 4 * blockWords + 1,
  /** Listens on ::1 that were refused. */
  listenRefused: 4 * blockWords + 2,
  /** Sockets bound to the label by --rebind. */
  rebound: 4 * blockWords + 3,
  /** Listens on [::] for IPv6 alone that were put where nobody comes. */
  listenAside: 4 * blockWords + 4,
} as const;

/** Bytes of the whole value. */
export const accountSize = (4 * blockWords + 5) * 8;

/** Bytes into the value. */
export function offsetOf(block: Block, index: number): number {
  return (blocks[block] * blockWords + index) * 8;
}
