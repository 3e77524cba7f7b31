/** The objects of `--json`: one a line, for programs. Pure. */
import type { NearLimit } from '../loopback/port-limit.js';
import type { SourceCounters } from '../packet/counters.js';
import { itemAt, mapped, type Sequence } from '../sequence.js';
import type { Traffic } from '../label-counters.js';
import type { LabelSnapshot, Snapshot, TcpHealth } from '../sinks/snapshot.js';

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
  readonly labels: Sequence<AnnouncedLabel>;
  readonly others?: { readonly file: string | null };
}

export function startEvent(
  source: string,
  engine: string,
  time: Date,
  labels: Sequence<AnnouncedLabel>,
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
  readonly labels: Sequence<LabelTraffic>;
  readonly others: Traffic;
  /** Labels that have hardly a port left; left out when there are none. */
  readonly portsNear?: readonly NearLimit[];
}

/** A file that nothing more will be written to; told when files rotate. */
export interface FileEvent extends FinishedFile {
  readonly event: 'file';
  readonly time: string;
  /** The label's name, or `others`. */
  readonly label: string;
  readonly file: string;
}

/** What is known of a file when it is closed. */
interface FinishedFile {
  /** Bytes, file header included. */
  readonly size: number;
  readonly packets: number;
  /** False when a write failed: then it ends with its last whole record, and packets are missing. */
  readonly complete: boolean;
}

/** A file as the sinks tell of it. */
interface OutputFile extends FinishedFile {
  /** The label's index, or the number of labels for the others. */
  readonly output: number;
  readonly path: string;
}

export function fileEvent(label: string, file: OutputFile, time: Date): FileEvent {
  const { path, packets, size, complete } = file;
  return { event: 'file', time: time.toISOString(), label, file: path, packets, size, complete };
}

/** What became of a label's files. */
export interface EndedFile {
  /** All there are, the oldest first: several when they rotate, or when link types differ. */
  readonly files: readonly string[];
  /** Bytes of all of them, file headers included; `null` where there is none. */
  readonly size: number | null;
  /** False when a write failed: then it ends with its last whole record, and packets are missing. */
  readonly complete: boolean | null;
}

export interface EndEvent extends Totals {
  readonly event: 'end';
  readonly labels: Sequence<LabelTraffic & AnnouncedLabel & EndedFile>;
  readonly others: Traffic & { readonly file: string | null; readonly files: readonly string[] };
  /** Damage that `--repair` has skipped: bytes, and at how many places. */
  readonly leftOut: { readonly bytes: number; readonly places: number };
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
    labels: mapped(snapshot.labels, trafficOf),
    others: snapshot.others,
    ...((snapshot.portsNear ?? []).length === 0 ? {} : { portsNear: snapshot.portsNear ?? [] }),
  };
}

/** @param files those really written; a label's `file` is the newest of its files */
export function endEvent(
  snapshot: Snapshot,
  time: Date,
  announced: Sequence<AnnouncedLabel>,
  files: readonly OutputFile[],
  leftOut: EndEvent['leftOut'],
  error: EndEvent['error'],
): EndEvent {
  const byOutput = new Map<number, OutputFile[]>();
  for (const file of files) {
    const others = byOutput.get(file.output);
    if (others === undefined) byOutput.set(file.output, [file]);
    else others.push(file);
  }
  const of = (output: number) => {
    const own = byOutput.get(output) ?? [];
    return { own, file: own.at(-1)?.path ?? null, files: own.map(({ path }) => path) };
  };
  return {
    event: 'end',
    ...totalsOf(snapshot, time),
    labels: mapped(snapshot.labels, (label, index) => {
      const { own, file, files } = of(index);
      return {
        ...itemAt(announced, index),
        ...trafficOf(label),
        file,
        files,
        size: own.length === 0 ? null : own.reduce((sum, { size }) => sum + size, 0),
        complete: own.length === 0 ? null : own.every(({ complete }) => complete),
      };
    }),
    others: {
      ...snapshot.others,
      file: of(snapshot.labels.length).file,
      files: of(snapshot.labels.length).files,
    },
    leftOut: { bytes: leftOut.bytes, places: leftOut.places },
    error,
  };
}
