/** What the pipeline writes to: files for each label, or one stream. */
import type { RunSink } from '../runs.js';
import type { LbcapError } from '../errors.js';
import type { Batch } from '../packet/batch.js';

export interface WrittenFile {
  /** Which of the classifier's outputs is in it. */
  readonly output: number;
  readonly path: string;
  /** Size in bytes, file header included. */
  readonly size: number;
  readonly packets: number;
  /** False after a failed write: it then ends with its last whole record. */
  readonly complete: boolean;
}

export interface Output extends RunSink {
  /** What went wrong first. Once set, nothing more should be appended. */
  readonly error: LbcapError | null;
  /** The reader has gone: nothing more is wanted, and nothing is wrong. */
  readonly unwanted: boolean;
  begin(batch: Batch): void;
  /** Writes what waits, so that a kill loses no more than came since. */
  flush(): void;
  /** Begins new files, where that was asked for. */
  rotate(): void;
  /** Writes at once something of what waits for other threads; false when nothing does. */
  writeWaiting?(): boolean;
  /**
   * A batch is over, and its bytes may change: to be called after each. `null`, or a promise to wait for before
   * the next: back-pressure.
   */
  settle(): Promise<void> | null;
  /** Packets that were written, one for two outputs counting twice; -1 after a failed write. */
  readonly packets: number;
  /** Writes everything, closes everything. Never rejects: see `error`. */
  close(): Promise<WrittenFile[]>;
}
