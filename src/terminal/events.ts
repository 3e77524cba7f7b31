/** The objects of `--json`: one a line, for programs. Pure. */
import type { NearLimit } from '../loopback/port-limit.js';
import type { SourceCounters } from '../packet/counters.js';
import type { LabelSnapshot, Snapshot, TcpHealth, Traffic } from '../sinks/snapshot.js';

/** The two filter languages, for one label. */
export interface LabelFilters {
  /** Capture filter, pcap-filter(7). */
  readonly bpf: string;
  /** Display filter, wireshark-filter(4). */
  readonly wireshark: string;
}

/** What is known of a label before the first packet. */
export interface AnnouncedLabel {
  readonly name: string;
  readonly address: string;
  readonly filters: LabelFilters;
  /** Path of its capture file; `null` when nothing is written. */
  readonly file: string | null;
}

export interface StartEvent {
  readonly event: 'start';
  /** Interface or input. */
  readonly source: string;
  readonly engine: string;
  /** ISO 8601. */
  readonly time: string;
  readonly labels: readonly AnnouncedLabel[];
  readonly others?: { readonly file: string | null };
}

export function startEvent(
  source: string,
  engine: string,
  time: Date,
  labels: readonly AnnouncedLabel[],
  others: { file: string | null } | null,
): StartEvent {
  return {
    event: 'start',
    source,
    engine,
    time: time.toISOString(),
    labels,
    ...(others === null ? {} : { others }),
  };
}

/** What both later events say of a label. */
export interface LabelTraffic extends Traffic {
  readonly name: string;
  /** From the label, and to it. */
  readonly out: Traffic;
  readonly in: Traffic;
  readonly tcp: TcpHealth;
  readonly busiestPeer: string | null;
}

/** What both later events say of the whole. `null` is "not known". */
interface Totals extends Traffic, SourceCounters {
  readonly time: string;
  /** Seconds since the start. */
  readonly elapsed: number;
  readonly labelled: Traffic;
  readonly unclassified: number;
}

export interface SampleEvent extends Totals {
  readonly event: 'sample';
  readonly labels: readonly LabelTraffic[];
  readonly others: Traffic;
  /** Labels that have hardly a port left; left out when there are none. */
  readonly portsNear?: readonly NearLimit[];
}

/** What became of a label's file; both `null` where there is none. */
export interface EndedFile {
  /** Bytes, file header included. */
  readonly size: number | null;
  /** False when a write failed: then it ends with its last whole record, and packets are missing. */
  readonly complete: boolean | null;
}

export interface EndEvent extends Totals {
  readonly event: 'end';
  readonly labels: readonly (LabelTraffic & AnnouncedLabel & EndedFile)[];
  readonly others: Traffic & { readonly file: string | null };
  /** What ended it early; `null` for a normal end. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

function trafficOf(label: LabelSnapshot): LabelTraffic {
  return {
    name: label.name,
    packets: label.total.packets,
    bytes: label.total.bytes,
    out: label.out,
    in: label.in,
    tcp: label.tcp,
    busiestPeer: label.busiestPeer,
  };
}

function totalsOf(snapshot: Snapshot, time: Date): Totals {
  return {
    time: time.toISOString(),
    elapsed: Math.round(snapshot.elapsed) / 1000,
    packets: snapshot.all.packets,
    bytes: snapshot.all.bytes,
    labelled: snapshot.labelled,
    unclassified: snapshot.unclassified,
    ...snapshot.counters,
  };
}

export function sampleEvent(snapshot: Snapshot, time: Date): SampleEvent {
  return {
    event: 'sample',
    ...totalsOf(snapshot, time),
    labels: snapshot.labels.map(trafficOf),
    others: snapshot.others,
    ...((snapshot.portsNear ?? []).length === 0 ? {} : { portsNear: snapshot.portsNear ?? [] }),
  };
}

/** @param files those really written, by path */
export function endEvent(
  snapshot: Snapshot,
  time: Date,
  announced: readonly AnnouncedLabel[],
  files: ReadonlyMap<string, { readonly size: number; readonly complete: boolean }>,
  othersFile: string | null,
  error: EndEvent['error'],
): EndEvent {
  const written = (file: string | null) => (file !== null && files.has(file) ? file : null);
  return {
    event: 'end',
    ...totalsOf(snapshot, time),
    labels: snapshot.labels.map((label, index) => {
      const known = announced[index];
      const file = files.get(known.file ?? '');
      return {
        ...known,
        ...trafficOf(label),
        file: written(known.file),
        size: file?.size ?? null,
        complete: file?.complete ?? null,
      };
    }),
    others: { ...snapshot.others, file: written(othersFile) },
    error,
  };
}
