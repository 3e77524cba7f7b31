/** What every source of packets is to the pipeline. */
import type { Batch, BatchFormat } from '../packet/batch.js';
import type { SourceCounters } from '../packet/counters.js';

/** Damage that was skipped: bytes, and at how many places. */
export interface LeftOut {
  readonly bytes: number;
  readonly places: number;
}

/** Who walks what a source hands over. */
export interface Walker {
  /** Whether blocks that nobody has walked (`Batch.enhanced`) may be handed over. */
  readonly takesBlocks: boolean;
  /** Byte order and timestamp unit that records are given before; `null`: they stay as they are. */
  readonly format: BatchFormat | null;
}

/** A live capture, a file or a stream. Single consumer; calls do not overlap. */
export interface Source {
  /** For people: `lo`, `trace.pcap`, `standard input`. */
  readonly name: string;
  /** Known as soon as the source is open. */
  readonly format: BatchFormat;
  /** The snaplen to write into file headers, bytes. */
  readonly snaplen: number;
  /** The file header that the records stand under, where there is one: 24 bytes of classic pcap. */
  readonly fileHeader?: Uint8Array;
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
  /**
   * Like `next`, for one who walks every record anyway: batches are `unchecked`, where the source
   * has any use for that. After such a one, `walked` must be called.
   */
  nextUnchecked?(walker: Walker): Promise<Batch | null>;
  /** The walk of the last batch ended at `at`: its end, or a record that is cut or not to be believed. */
  walked?(at: number): void;
  /**
   * Asks for what has come: where a `next` is pending that leaves it in the kernel's buffer for a while,
   * it is handed out before any I/O or timer.
   */
  hurry?(): void;
  /** Asks for the end: a pending or later `next` drains what was captured so far, then gives `null`. */
  stop(): void;
  /** What was lost is not known before `close`, and known then. */
  readonly countsAtEnd?: boolean;
  counters(): SourceCounters;
  /** Where damage is skipped instead of ending the reading: so far. */
  readonly leftOut?: LeftOut;
  close(): Promise<void>;
}
