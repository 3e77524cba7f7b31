/** What a report says, as data: the shape of `lbcap report --json`. */
import type { SectionFacts } from '../formats/pcapng-facts.js';
import type { Traffic } from '../label-counters.js';
import type { Drops } from './drop-counts.js';
import type { LabelOrigin } from './file-labels.js';
import type { Ending } from './hop.js';
import type { HopTotals } from './hop-totals.js';

/** Text out of captures (names, comments) is as it came: whoever shows it escapes it. */
export interface Report {
  readonly files: readonly ReportedFile[];
  /** From the first packet to the last; `null` when there is none. */
  readonly period: {
    readonly first: string;
    readonly last: string;
    readonly seconds: number;
  } | null;
  readonly packets: {
    /** In the files, then without what two files have of the same packet; `distinct` = labelled + others. */
    readonly read: number;
    readonly distinct: number;
    /** Times step back so far, past so many packets, that some may be counted for each file that has them. */
    readonly maybeTwice: boolean;
    readonly labelled: number;
    readonly others: number;
    /** Among the others: headers cut, contradicting themselves, or of unknown link types. */
    readonly unclassified: number;
    /** Labelled, and of no hop: ICMP, later fragments, ports cut away. */
    readonly withoutHop: number;
    /** Of which a file has only the front (snaplen). */
    readonly cut: number;
  };
  /** Those with packets. */
  readonly labels: readonly ReportedLabel[];
  /** There are labels, of the command line or the registry, and none has packets. */
  readonly noneHere: boolean;
  /** Names of given labels that have none. */
  readonly silent: readonly string[];
  readonly chains: readonly ReportedChain[];
  readonly hops: {
    readonly rows: readonly ReportedHop[];
    readonly total: HopTotals;
    readonly leftOut: number;
    /** Connections counted twice or more, for want of room to remember them. */
    readonly evicted: number;
  };
  readonly environment: Environment;
}

export interface ReportedFile {
  readonly name: string;
  readonly format: string;
  readonly packets: number;
  readonly bytes: number;
  /** ISO 8601, UTC, nanoseconds. */
  readonly first: string | null;
  readonly last: string | null;
  readonly dropped: Drops;
  readonly comments: readonly string[];
  /** What is wrong with it, and where: the byte offset where one is known. */
  readonly damage: { readonly offset: number | null; readonly what: string } | null;
}

export interface ReportedLabel {
  readonly name: string;
  readonly address: string;
  /** Who says that the address has this name. */
  readonly origin: LabelOrigin;
  /** Files that are called after it: all its packets are in there. */
  readonly files: readonly string[];
  readonly wireshark: string;
  readonly bpf: string;
  readonly out: Traffic;
  readonly in: Traffic;
  readonly tcp: HopTotals;
}

export interface ReportedChain {
  readonly path: readonly string[];
  readonly times: number;
  /** Hops were left out in between: chains of those that were kept, and there may be others. */
  readonly isOfKept: boolean;
  /** Seconds since the report's first packet. */
  readonly at: number;
}

export interface ReportedEnd {
  readonly label: string | null;
  readonly address: string;
  readonly port: number;
}

export interface ReportedHop {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Seconds since the report's first packet, and from the hop's first to its last. */
  readonly at: number;
  readonly duration: number;
  readonly from: ReportedEnd;
  readonly to: ReportedEnd;
  /** Files of its labels that have it: of rotated ones those of its time. */
  readonly files: readonly string[];
  /** The capture has its beginning. */
  readonly complete: boolean;
  readonly out: Traffic;
  readonly in: Traffic;
  readonly retransmissions: number;
  readonly ending: Ending;
  /** `from` or `to`, where one side ended it. */
  readonly endedBy: 'from' | 'to' | null;
}

export interface Environment {
  /** The machine that wrote the first file that says one; else the one that makes the report. */
  readonly captured: Omit<SectionFacts, 'comments'> & {
    readonly source: 'capture' | 'this machine';
  };
  readonly reported: { readonly lbcap: string; readonly node: string; readonly os: string };
}
