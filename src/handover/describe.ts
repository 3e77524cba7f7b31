/** From what the passes have found to what the report says. Pure. */
import { basename } from 'node:path';
import type { Classifier } from '../classify.js';
import type { LbcapError } from '../errors.js';
import { bpfFilter } from '../filters/bpf.js';
import { displayFilter } from '../filters/wireshark.js';
import { linkTypeName } from '../packet/link-layer.js';
import { version } from '../version.js';
import type { CapturePath } from './capture-paths.js';
import { chainsOf } from './chains.js';
import { labelNameOf, type OriginatedLabel } from './file-labels.js';
import { mostUseful, type Hop, type HopEnd } from './hop.js';
import type { HopTable } from './hop-table.js';
import type {
  Environment,
  Report,
  ReportedEnd,
  ReportedFile,
  ReportedHop,
  ReportedLabel,
} from './report.js';
import { originOf, type Survey, type Unreadable } from './survey.js';

export interface Findings {
  readonly surveys: readonly Survey[];
  readonly unreadable: readonly Unreadable[];
  /** In the order of the classifier's labels. */
  readonly labels: readonly OriginatedLabel[];
  /** Where none has packets: then the classifier has all addresses instead. */
  readonly absent: readonly OriginatedLabel[];
  readonly classifier: Classifier;
  readonly table: HopTable;
  /** Packets that were left out because another file has them, too. */
  readonly repeated: number;
  /** Some may not have been: their times step back too far. */
  readonly isUnsure: boolean;
  /** Hops to show. */
  readonly hops: number;
  /** The machine that makes the report: no name of it, nor of anybody. */
  readonly host: { readonly node: string; readonly os: string };
}

/** By the label's name. */
type FilesByLabel = ReadonlyMap<string | null, readonly Survey[]>;

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);

export function describe(findings: Findings): Report {
  const { surveys, unreadable, labels, classifier, table, repeated } = findings;
  const isNamed = labels.length > 0;
  const files = filesByLabel(surveys);
  const origin = originOf(surveys);
  const rows = labels.map((_, index) => reportedLabel(findings, files, index));
  const hasPackets = (row: ReportedLabel) => row.out.packets + row.in.packets > 0;
  const all = table.hops;
  const shown = mostUseful(all, findings.hops);
  const nameOf = ({ label, address }: HopEnd) =>
    (labels[label] as OriginatedLabel | undefined)?.label.name ?? address;
  const { total } = table;
  return {
    files: [...surveys.map(reportedFile), ...unreadable.map(unreadableFile)],
    period: periodOf(surveys),
    packets: {
      read: classifier.packets + repeated,
      distinct: classifier.packets,
      maybeTwice: findings.isUnsure,
      // Without labels everything with an address stands under one for all.
      labelled: isNamed ? classifier.labelledPackets : 0,
      others: isNamed ? classifier.othersPackets : classifier.packets,
      unclassified: classifier.unclassified,
      withoutHop: table.outside,
      cut: sumOf(surveys.map(({ cut }) => cut)),
    },
    labels: rows.filter(hasPackets),
    noneHere: findings.absent.some(({ origin: by }) => by === 'given'),
    silent: [
      ...findings.absent.map(({ label, origin: by }) => ({ name: label.name, origin: by })),
      ...rows.filter((row) => !hasPackets(row)),
    ]
      .filter((row) => row.origin === 'given')
      .map(({ name }) => name),
    chains: chainsOf(all, nameOf).map(({ path, times, start }) => ({
      path,
      times,
      isOfKept: all.length < total.connections + total.exchanges,
      at: start / 1e9,
    })),
    hops: {
      rows: shown.map((hop) => reportedHop(hop, labels, files, origin)),
      total,
      leftOut: total.connections + total.exchanges - shown.length,
      evicted: table.evicted,
    },
    environment: environmentOf(findings),
  };
}

function reportedFile(survey: Survey): ReportedFile {
  const { format, compressed, linkTypes, damage } = survey;
  return {
    name: survey.name,
    format: [format, ...linkTypes.map(linkTypeName), ...(compressed ? ['compressed'] : [])].join(
      ', ',
    ),
    packets: survey.packets,
    bytes: survey.bytes,
    first: isoTime(survey.first),
    last: isoTime(survey.last),
    dropped: survey.drops,
    comments: survey.comments,
    damage: damage === null ? null : damageOf(survey, damage),
  };
}

function unreadableFile(file: Unreadable): ReportedFile {
  return {
    name: file.name,
    format: '',
    packets: 0,
    bytes: 0,
    first: null,
    last: null,
    dropped: { kernel: null, interface: null },
    comments: [],
    damage: damageOf(file, file.error),
  };
}

/** What is wrong with a file, without the path to it, which is nobody's business. */
function damageOf({ path, name }: CapturePath, error: LbcapError): ReportedFile['damage'] {
  const offset = error.details['offset'];
  return {
    offset: typeof offset === 'number' ? offset : null,
    what:
      error.code === 'INPUT_IO'
        ? `${name} cannot be read`
        : // Without a directory it is the name itself, and may be a word of the message.
          basename(path) === path
          ? error.message
          : error.message.replaceAll(path, () => name),
  };
}

/** Label files that have packets. */
function filesByLabel(surveys: readonly Survey[]): FilesByLabel {
  const files = new Map<string | null, Survey[]>();
  for (const survey of surveys) {
    if (survey.packets === 0) continue;
    const label = labelNameOf(survey);
    files.set(label, [...(files.get(label) ?? []), survey]);
  }
  return files;
}

function reportedLabel(
  { labels, classifier, table }: Findings,
  files: FilesByLabel,
  index: number,
): ReportedLabel {
  const { label, origin } = labels[index];
  const counted = classifier.of(index);
  return {
    name: label.name,
    address: label.text,
    origin,
    files: (files.get(label.name) ?? []).map(({ name }) => name),
    wireshark: displayFilter([label]),
    bpf: bpfFilter([label]),
    out: counted.out,
    in: counted.in,
    tcp: table.totals[index],
  };
}

function reportedHop(
  hop: Hop,
  labels: readonly OriginatedLabel[],
  files: FilesByLabel,
  origin: bigint,
): ReportedHop {
  const begins = origin + BigInt(Math.trunc(hop.start));
  const ends = begins + BigInt(Math.trunc(hop.duration));
  const isOfItsTime = ({ first, last }: Survey) =>
    first !== null && last !== null && first <= ends && last >= begins;
  const endOf = ({ address, port, label }: HopEnd): ReportedEnd => ({
    label: (labels[label] as OriginatedLabel | undefined)?.label.name ?? null,
    address,
    port,
  });
  const { protocol, complete, retransmissions, ending, endedBy } = hop;
  const [from, to] = [endOf(hop.from), endOf(hop.to)];
  const own = new Set(
    [from, to].flatMap(({ label }) => (label === null ? [] : (files.get(label) ?? []))),
  );
  return {
    protocol,
    at: hop.start / 1e9,
    duration: hop.duration / 1e9,
    from,
    to,
    files: [...own].filter(isOfItsTime).map(({ name }) => name),
    complete,
    out: hop.out,
    in: hop.in,
    retransmissions,
    ending,
    endedBy,
  };
}

function periodOf(surveys: readonly Survey[]): Report['period'] {
  const times = surveys.flatMap(({ first, last }) =>
    first === null || last === null ? [] : [first, last],
  );
  if (times.length === 0) return null;
  const first = times.reduce((least, time) => (time < least ? time : least));
  const last = times.reduce((most, time) => (time > most ? time : most));
  return {
    first: isoTime(first) ?? '',
    last: isoTime(last) ?? '',
    seconds: Number(last - first) / 1e9,
  };
}

/** `2026-11-22T03:37:21.123456789Z`. */
function isoTime(time: bigint | null): string | null {
  if (time === null) return null;
  const date = new Date(Number(time / 1_000_000_000n) * 1000).toISOString();
  return date.replace('.000Z', `.${String(time % 1_000_000_000n).padStart(9, '0')}Z`);
}

function hasSystem({ section }: Survey): boolean {
  return section !== null && section.os !== null;
}

function environmentOf({ surveys, host }: Findings): Environment {
  const section = surveys.find((survey) => hasSystem(survey))?.section ?? null;
  const captured =
    section === null
      ? { source: 'this machine' as const, hardware: null, os: host.os, application: null }
      : {
          source: 'capture' as const,
          hardware: section.hardware,
          os: section.os,
          application: section.application,
        };
  return { captured, reported: { lbcap: version, node: host.node, os: host.os } };
}
