/** What the statistics say at one moment: the input of tables and of `--json`. */
import type { LabelTraffic, Traffic } from '../label-counters.js';
import type { NearLimit } from '../loopback/port-limit.js';
import type { SourceCounters } from '../packet/counters.js';
import type { Sequence } from '../sequence.js';

/** TCP health of one label, from headers alone. Counts are since the start unless said otherwise. */
export interface TcpHealth {
  /** Connections open now: seen alive and neither reset nor closed by both sides. */
  readonly open: number;
  /** SYNs that nobody has answered for a second or more, now. */
  readonly unanswered: number;
  /** Segments with RST, either way. */
  readonly resets: number;
  /** Segments that carry sequence numbers seen before (keep-alives are not counted). */
  readonly retransmissions: number;
}

export interface LabelSnapshot extends LabelTraffic {
  readonly name: string;
  /** As the user wrote it. */
  readonly address: string;
  readonly tcp: TcpHealth;
  /** The peer with most bytes either way, `127.0.0.1:9092` (port where the peer is the server). */
  readonly busiestPeer: string | null;
}

export interface Snapshot {
  /** Monotonic milliseconds: only differences mean anything. */
  readonly at: number;
  /** Milliseconds since the capture began. */
  readonly elapsed: number;
  readonly labels: Sequence<LabelSnapshot>;
  /** Indexes of the labels that have packets, in order; left out where nobody has looked. */
  readonly active?: readonly number[];
  /** Every packet that came in. Always labelled + others. */
  readonly all: Traffic;
  /** Packets of at least one label. */
  readonly labelled: Traffic;
  /** Packets of no label, the unclassified among them. */
  readonly others: Traffic;
  /** Packets whose headers are cut or contradict themselves. */
  readonly unclassified: number;
  readonly counters: SourceCounters;
  /**
   * Health of all labels together, where a connection between two of them counts once. Without it
   * a table can only add up the labels.
   */
  readonly tcp?: TcpHealth;
  /** Flows forgotten for want of room. Not 0: the TCP health is partial. */
  readonly flowsEvicted?: number;
  /** Labels that have hardly a port left for connections to a server. */
  readonly portsNear?: readonly NearLimit[];
}
