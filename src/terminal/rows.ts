/** From snapshots to the numbers that a table shows: pure, without widths and colours. */
import { itemAt, type Sequence } from '../sequence.js';
import type { Traffic } from '../label-counters.js';
import type { LabelSnapshot, Snapshot } from '../sinks/snapshot.js';

/** One line of the table, still as numbers. */
export interface Row {
  readonly label: string;
  readonly address: string;
  readonly outPackets: number;
  readonly outBytes: number;
  readonly inPackets: number;
  readonly inBytes: number;
  /** Per second; `null` when no time has passed. */
  readonly byteRate: number | null;
  readonly packetRate: number | null;
  readonly open: number;
  readonly resets: number;
  readonly retransmissions: number;
  readonly unanswered: number;
  readonly busiestPeer: string | null;
}

export interface Rows {
  /** In the labels' order. */
  readonly rows: readonly Row[];
  /** Labels left out because they were too many: the quieter ones. */
  readonly more: number;
  /** Of all labels, those left out too; `null` when there is only one. */
  readonly total: Row | null;
  /** The rates are means since the start, not of the last interval. */
  readonly mean: boolean;
}

const nothing: Traffic = { packets: 0, bytes: 0 };

/**
 * The rows of one moment.
 *
 * @param previous an earlier snapshot of the same capture: rates are since then; `null`: since the
 *   start
 * @param maximum how many labels may be shown
 */
export function tableRows(
  previous: Snapshot | null,
  current: Snapshot,
  maximum: number = Infinity,
): Rows {
  const milliseconds = previous === null ? current.elapsed : current.at - previous.at;
  const { labels } = current;
  const rows = busiest(current, maximum).map((index) =>
    labelRow(itemAt(labels, index), previous?.labels.at(index)?.total ?? nothing, milliseconds),
  );
  return {
    rows,
    more: labels.length - rows.length,
    total: labels.length > 1 ? totalRow(previous, current, milliseconds) : null,
    mean: previous === null,
  };
}

/** Packets and bytes a second from one count to the next. */
export function rates(
  before: Traffic,
  after: Traffic,
  milliseconds: number,
): { byteRate: number | null; packetRate: number | null } {
  if (!(milliseconds >= 1)) return { byteRate: null, packetRate: null };
  return {
    byteRate: ((after.bytes - before.bytes) * 1000) / milliseconds,
    packetRate: ((after.packets - before.packets) * 1000) / milliseconds,
  };
}

/** Indices of the labels with most bytes so far, in the labels' order, so that rows do not jump. */
export function busiest(snapshot: Snapshot, maximum: number): number[] {
  const { length } = snapshot.labels;
  if (length <= maximum) return indexesOf(snapshot.labels);
  if (maximum < 1) return [];
  // The least that is enough, by a sort of plain numbers: there may be 65,536 labels, each second.
  const bytes = new Float64Array(length);
  for (const index of activeOf(snapshot)) {
    bytes[index] = itemAt(snapshot.labels, index).total.bytes;
  }
  const sorted = bytes.slice().sort();
  const first = length - maximum;
  const least = sorted[first];
  // How many that have just this much there is room for.
  let equals = sorted.lastIndexOf(least) - first + 1;
  const chosen: number[] = [];
  bytes.forEach((own, index) => {
    if (own > least || (own === least && equals-- > 0)) chosen.push(index);
  });
  return chosen;
}

/** Without the others there is nothing to add. */
function activeOf({ active, labels }: Snapshot): readonly number[] {
  return active ?? indexesOf(labels);
}

function indexesOf({ length }: Sequence<unknown>): number[] {
  return Array.from({ length }, (_, index) => index);
}

function labelRow(label: LabelSnapshot, before: Traffic, milliseconds: number): Row {
  return {
    label: label.name,
    address: label.address,
    outPackets: label.out.packets,
    outBytes: label.out.bytes,
    inPackets: label.in.packets,
    inBytes: label.in.bytes,
    ...rates(before, label.total, milliseconds),
    open: label.tcp.open,
    resets: label.tcp.resets,
    retransmissions: label.tcp.retransmissions,
    unanswered: label.tcp.unanswered,
    busiestPeer: label.busiestPeer,
  };
}

/**
 * Each packet counts once in each column: no two labels are its source. The rates are of all
 * labelled packets, so one between two labels counts once there too.
 */
function totalRow(previous: Snapshot | null, current: Snapshot, milliseconds: number): Row {
  const out = { packets: 0, bytes: 0 };
  const into = { packets: 0, bytes: 0 };
  const sum = { open: 0, resets: 0, retransmissions: 0, unanswered: 0 };
  for (const index of activeOf(current)) {
    const label = itemAt(current.labels, index);
    out.packets += label.out.packets;
    out.bytes += label.out.bytes;
    into.packets += label.in.packets;
    into.bytes += label.in.bytes;
    sum.open += label.tcp.open;
    sum.resets += label.tcp.resets;
    sum.retransmissions += label.tcp.retransmissions;
    sum.unanswered += label.tcp.unanswered;
  }
  const { open, resets, retransmissions, unanswered } = current.tcp ?? sum;
  return {
    label: 'total',
    address: '',
    outPackets: out.packets,
    outBytes: out.bytes,
    inPackets: into.packets,
    inBytes: into.bytes,
    ...rates(previous?.labelled ?? nothing, current.labelled, milliseconds),
    open,
    resets,
    retransmissions,
    unanswered,
    busiestPeer: null,
  };
}
