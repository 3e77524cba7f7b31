/** The objects of `--json`: one a line, for programs. Pure. */
import type { LabelSnapshot, Snapshot } from '../sinks/snapshot.js';

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

function trafficOf(label: LabelSnapshot) {
  return {
    packets: label.total.packets,
    bytes: label.total.bytes,
    out: label.out,
    in: label.in,
    tcp: label.tcp,
    busiestPeer: label.busiestPeer,
  };
}

function totalsOf(snapshot: Snapshot) {
  const { counters } = snapshot;
  return {
    packets: snapshot.all.packets,
    bytes: snapshot.all.bytes,
    labelled: snapshot.labelled,
    unclassified: snapshot.unclassified,
    received: counters.received,
    kernelDropped: counters.kernelDropped,
    interfaceDropped: counters.interfaceDropped,
  };
}

/** `elapsed` is seconds since the start. */
export function sampleEvent(snapshot: Snapshot, time: Date) {
  return {
    event: 'sample' as const,
    time: time.toISOString(),
    elapsed: snapshot.elapsed / 1000,
    labels: snapshot.labels.map((label) => ({ name: label.name, ...trafficOf(label) })),
    others: snapshot.others,
    ...totalsOf(snapshot),
  };
}

/** `error` is the message of what ended it early, `null` for a normal end. */
export function endEvent(
  snapshot: Snapshot,
  time: Date,
  announced: readonly AnnouncedLabel[],
  files: ReadonlySet<string>,
  othersFile: string | null,
  error: { code: string; message: string } | null,
) {
  const written = (file: string | null) => (file !== null && files.has(file) ? file : null);
  return {
    event: 'end' as const,
    time: time.toISOString(),
    elapsed: snapshot.elapsed / 1000,
    labels: snapshot.labels.map((label, index) => {
      const known = announced[index] as AnnouncedLabel;
      return {
        name: label.name,
        address: label.address,
        ...trafficOf(label),
        file: written(known.file),
        filters: known.filters,
      };
    }),
    others: { ...snapshot.others, file: written(othersFile) },
    ...totalsOf(snapshot),
    error,
  };
}
