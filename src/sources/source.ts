/** What every source of packets is to the pipeline. */
import type { Batch, BatchFormat } from '../packet/batch.js';

/**
 * What a capture says about loss (pcap_stats(3PCAP)). `null` is "not known", never zero.
 * `received` counts what the kernel's filter passed, which can be more than is captured: packets that
 * came while the filter was being installed, and on the `lo` of a Linux before 4.20 each packet twice.
 * The difference is not loss.
 */
export interface SourceCounters {
  readonly received: number | null;
  readonly kernelDropped: number | null;
  readonly interfaceDropped: number | null;
}

/** A live capture, a file or a stream. Single consumer; calls do not overlap. */
export interface Source {
  /** For people: `lo`, `trace.pcap`, `standard input`. */
  readonly name: string;
  /** Known as soon as the source is open. */
  readonly format: BatchFormat;
  /** The snaplen to write into file headers, bytes. */
  readonly snaplen: number;
  /** Size in bytes where there is one (a regular file), else `null`. */
  readonly size: number | null;
  /** Bytes of input consumed so far, for a progress bar. */
  readonly position: number;
  /**
   * The next run of records, or `null` at the end. The bytes of the batch before become invalid.
   * A damaged input first hands over every whole record before the damage, then rejects with
   * `INPUT_DAMAGED` whose details carry the byte `offset`.
   */
  next(): Promise<Batch | null>;
  /** Asks for the end: a pending or later `next` drains what was captured so far, then gives `null`. */
  stop(): void;
  counters(): SourceCounters;
  close(): Promise<void>;
}
