/** Puts the counters of a running pipeline together into a snapshot. */
import type { Classifier } from '../classify.js';
import type { Label } from '../labels/label.js';
import type { SourceCounters } from '../packet/counters.js';
import { mapped, type Sequence } from '../sequence.js';
import type { LabelSnapshot, Snapshot, TcpHealth, Traffic } from './snapshot.js';

/** What the flow table knows (`flows.ts`); absent offline, where nobody asks. */
export interface FlowStatistics {
  /** Flows forgotten for want of room. */
  readonly evicted: number;
  totalHealth(now?: number): TcpHealth;
  health(label: number, now?: number): TcpHealth;
  busiestPeer(label: number): string | null;
}

type Activity = Omit<LabelSnapshot, 'name' | 'address'>;

const nothing: Traffic = { packets: 0, bytes: 0 };
const silent: Activity = {
  out: nothing,
  in: nothing,
  total: nothing,
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
  const active = activeLabels(classifier, flows, now);
  return {
    at,
    elapsed: at - startedAt,
    labels: mapped(labels, ({ name, text }, index): LabelSnapshot => {
      return { name, address: text, ...(active.get(index) ?? silent) };
    }),
    active: [...active.keys()],
    all: { packets: classifier.packets, bytes: classifier.bytes },
    labelled: { packets: classifier.labelledPackets, bytes: classifier.labelledBytes },
    others: { packets: classifier.othersPackets, bytes: classifier.othersBytes },
    unclassified: classifier.unclassified,
    counters,
    ...(flows === null ? {} : { tcp: flows.totalHealth(now), flowsEvicted: flows.evicted }),
  };
}

/** By index, the labels that have packets: of tens of thousands most have none. */
function activeLabels(
  classifier: Classifier,
  flows: FlowStatistics | null,
  now: number | undefined,
): Map<number, Activity> {
  const { outPackets, outBytes, inPackets, inBytes, selfPackets, selfBytes } = classifier;
  const active = new Map<number, Activity>();
  for (let label = 0; label < outPackets.length; label++) {
    if (outPackets[label] + inPackets[label] === 0) continue;
    const out = { packets: outPackets[label], bytes: outBytes[label] };
    const into = { packets: inPackets[label], bytes: inBytes[label] };
    active.set(label, {
      out,
      in: into,
      total: {
        packets: out.packets + into.packets - selfPackets[label],
        bytes: out.bytes + into.bytes - selfBytes[label],
      },
      tcp: flows?.health(label, now) ?? silent.tcp,
      busiestPeer: flows?.busiestPeer(label) ?? null,
    });
  }
  return active;
}
