/** Puts the counters of a running pipeline together into a snapshot. */
import type { Classifier } from '../classify.js';
import type { Label } from '../labels/label.js';
import type { SourceCounters } from '../packet/counters.js';
import type { LabelSnapshot, Snapshot, TcpHealth } from './snapshot.js';

/** What the flow table knows (`flows.ts`); absent offline, where nobody asks. */
export interface FlowStatistics {
  /** Flows forgotten for want of room. */
  readonly evicted: number;
  totalHealth(now?: number): TcpHealth;
  health(label: number, now?: number): TcpHealth;
  busiestPeer(label: number): string | null;
}

const noHealth: TcpHealth = { open: 0, unanswered: 0, resets: 0, retransmissions: 0 };

/**
 * @param at monotonic milliseconds now
 * @param startedAt the same when the pipeline began
 * @param now seconds on the packets' clock; left out where that is not this machine's
 */
export function takeSnapshot(
  labels: readonly Label[],
  classifier: Classifier,
  flows: FlowStatistics | null,
  counters: SourceCounters,
  at: number,
  startedAt: number,
  now?: number,
): Snapshot {
  const of = (packets: Float64Array, bytes: Float64Array, index: number) => ({
    packets: packets[index],
    bytes: bytes[index],
  });
  return {
    at,
    elapsed: at - startedAt,
    labels: labels.map((label, index): LabelSnapshot => {
      const out = of(classifier.outPackets, classifier.outBytes, index);
      const into = of(classifier.inPackets, classifier.inBytes, index);
      const self = of(classifier.selfPackets, classifier.selfBytes, index);
      return {
        name: label.name,
        address: label.text,
        out,
        in: into,
        total: {
          packets: out.packets + into.packets - self.packets,
          bytes: out.bytes + into.bytes - self.bytes,
        },
        tcp: flows?.health(index, now) ?? noHealth,
        busiestPeer: flows?.busiestPeer(index) ?? null,
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
