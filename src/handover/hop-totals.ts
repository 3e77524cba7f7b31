/** What the hops of each label come to. Every hop is counted here, shown or not. */
import type { Hop } from './hop.js';

export interface HopTotals {
  /** TCP connections. */
  connections: number;
  /** What went by UDP or SCTP between two ends. */
  exchanges: number;
  unanswered: number;
  refused: number;
  reset: number;
  /** Neither closed by both sides nor reset when the capture ended. */
  open: number;
  /** Segments. */
  resets: number;
  retransmissions: number;
}

export function noHops(): HopTotals {
  return {
    connections: 0,
    exchanges: 0,
    unanswered: 0,
    refused: 0,
    reset: 0,
    open: 0,
    resets: 0,
    retransmissions: 0,
  };
}

/** Counts one more. */
export function addHop(totals: HopTotals, hop: Hop): void {
  if (hop.protocol === 'tcp') totals.connections++;
  else totals.exchanges++;
  totals.resets += hop.resets;
  totals.retransmissions += hop.retransmissions;
  if (hop.ending === 'unanswered') totals.unanswered++;
  else if (hop.ending === 'refused') totals.refused++;
  else if (hop.ending === 'reset') totals.reset++;
  else if (hop.ending === 'open' || hop.ending === 'half-closed') totals.open++;
}
