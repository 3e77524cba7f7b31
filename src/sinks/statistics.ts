/** Puts the counters of a running pipeline together into a snapshot. */
import type { Classifier } from '../classify.js';
import { countOf, type Traffic } from '../label-counters.js';
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
  const { counts } = classifier;
  const active = new Map<number, Activity>();
  for (let at = 0; at < counts.length; at += countOf.size) {
    if (counts[at + countOf.outPackets] + counts[at + countOf.inPackets] === 0) continue;
    const label = at / countOf.size;
    active.set(label, {
      ...classifier.of(label),
      tcp: flows?.health(label, now) ?? silent.tcp,
      busiestPeer: flows?.busiestPeer(label) ?? null,
    });
  }
  return active;
}
