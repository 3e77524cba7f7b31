/** A hop: one TCP connection, or what two ends exchanged by UDP or SCTP. */
import type { Traffic } from '../label-counters.js';

/** How a hop stood when the capture ended. */
export type Ending =
  /** Both sides have sent their FIN. */
  | 'closed'
  /** Only the side named by `endedBy` has. */
  | 'half-closed'
  | 'reset'
  /** The SYN was answered by RST: nobody listens there. */
  | 'refused'
  /** Nobody has answered the SYN. */
  | 'unanswered'
  | 'open'
  /** Without connections: packets went both ways, or one. */
  | 'both ways'
  | 'one way';

export interface HopEnd {
  readonly address: string;
  readonly port: number;
  /** Index of its label, or -1. */
  readonly label: number;
}

export interface Hop {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Who began it: sent the SYN, or else is likely the client. */
  readonly from: HopEnd;
  readonly to: HopEnd;
  /** The capture has its beginning. */
  readonly complete: boolean;
  /** First packet, nanoseconds since the report's first. */
  readonly start: number;
  /** From its first packet to its last, nanoseconds. */
  readonly duration: number;
  /** From `from` to `to`, and back. */
  readonly out: Traffic;
  readonly in: Traffic;
  readonly retransmissions: number;
  /** Segments with RST. */
  readonly resets: number;
  readonly ending: Ending;
  /** Who ended it, where one side did. */
  readonly endedBy: 'from' | 'to' | null;
}

/** Whether something is wrong with it. */
export function isTrouble({
  ending,
  retransmissions,
}: Pick<Hop, 'ending' | 'retransmissions'>): boolean {
  return (
    ending === 'reset' || ending === 'refused' || ending === 'unanswered' || retransmissions > 0
  );
}

/**
 * The most useful ones, in order of their first packet: up to half of them are such as have something
 * wrong, and of all, those between two labels come first, then those with most bytes.
 */
export function mostUseful(hops: readonly Hop[], limit: number): Hop[] {
  const inOrder = [...hops].sort((a, b) => a.start - b.start);
  if (inOrder.length <= limit) return inOrder;
  const weigh = (hop: Hop) =>
    (hop.from.label >= 0 && hop.to.label >= 0 ? 2 ** 52 : 0) + hop.out.bytes + hop.in.bytes;
  const heaviest = (some: Hop[]) => some.sort((a, b) => weigh(b) - weigh(a));
  const trouble = heaviest(inOrder.filter(isTrouble));
  const fine = heaviest(inOrder.filter((hop) => !isTrouble(hop)));
  const half = Math.max(Math.ceil(limit / 2), limit - fine.length);
  const chosen = trouble.slice(0, half);
  chosen.push(...fine.slice(0, limit - chosen.length));
  return chosen.sort((a, b) => a.start - b.start);
}
