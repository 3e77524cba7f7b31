/** Puts the counters of a running pipeline together into a snapshot. */
import type { Classifier } from '../classify.js';
import type { Label } from '../labels/label.js';
import type { SourceCounters } from '../packet/counters.js';
import { mapped, type Sequence } from '../sequence.js';
import type { LabelSnapshot, Snapshot, TcpHealth } from './snapshot.js';

/** What the flow table knows (`flows.ts`); absent offline, where nobody asks. */
export interface FlowStatistics {
  /** Flows forgotten for want of room. */
  readonly evicted: number;
  totalHealth(now?: number): TcpHealth;
  health(label: number, now?: number): TcpHealth;
  busiestPeer(label: number): string | null;
}

const none = {
  tcp: { open: 0, unanswered: 0, resets: 0, retransmissions: 0 },
  busiestPeer: null,
};

/**
 * @param at monotonic milliseconds now
 * @param startedAt the same when the pipeline began
 * @param now seconds on the packets' clock; left out where that is not this machine's
 */
export function takeSnapshot(
  labels: Sequence<Label>,
  classifier: Classifier,
  flows: FlowStatistics | null,
  counters: SourceCounters,
  at: number,
  startedAt: number,
  now?: number,
): Snapshot {
  // A copy: labels may be looked at when the counters have gone on.
  const outPackets = classifier.outPackets.slice();
  const outBytes = classifier.outBytes.slice();
  const inPackets = classifier.inPackets.slice();
  const inBytes = classifier.inBytes.slice();
  const selfPackets = classifier.selfPackets.slice();
  const selfBytes = classifier.selfBytes.slice();
  const connections = new Map<number, Pick<LabelSnapshot, 'tcp' | 'busiestPeer'>>();
  if (flows !== null) {
    for (let index = 0; index < labels.length; index++) {
      // Without a packet there is no connection.
      if (outPackets[index] + inPackets[index] === 0) continue;
      connections.set(index, {
        tcp: flows.health(index, now),
        busiestPeer: flows.busiestPeer(index),
      });
    }
  }
  return {
    at,
    elapsed: at - startedAt,
    labels: mapped(labels, (label, index): LabelSnapshot => {
      const out = { packets: outPackets[index], bytes: outBytes[index] };
      const into = { packets: inPackets[index], bytes: inBytes[index] };
      const own = connections.get(index) ?? none;
      return {
        name: label.name,
        address: label.text,
        out,
        in: into,
        total: {
          packets: out.packets + into.packets - selfPackets[index],
          bytes: out.bytes + into.bytes - selfBytes[index],
        },
        tcp: own.tcp,
        busiestPeer: own.busiestPeer,
      };
    }),
    all: { packets: classifier.packets, bytes: classifier.bytes },
    labelled: { packets: classifier.labelledPackets, bytes: classifier.labelledBytes },
    others: { packets: classifier.othersPackets, bytes: classifier.othersBytes },
    unclassified: classifier.unclassified,
    counters,
    ...(flows === null ? {} : { tcp: flows.totalHealth(now), flowsEvicted: flows.evicted }),
  };
}
