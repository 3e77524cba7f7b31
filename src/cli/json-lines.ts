/** Writes `--json` lines to stdout, and tells when the reader has gone. */
import { LbcapError } from '../errors.js';

/** How long the last lines may take to leave, milliseconds. */
const patience = 3000;

export interface JsonLines {
  write(event: object): void;
  /** The same, unless the reader lags: for what the next one makes up for. */
  writeIfTaken(event: object): void;
  /** Resolves when everything written so far has left the process, or cannot any more. */
  flushed(): Promise<void>;
  /** Set once the reader closed the pipe. */
  readonly error: LbcapError | null;
}

export function jsonLines(stream: NodeJS.WriteStream, onClosed: () => void): JsonLines {
  let error: LbcapError | null = null;
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    error ??= new LbcapError(
      cause.code === 'EPIPE' ? 'OUTPUT_CLOSED' : 'OUTPUT_IO',
      cause.code === 'EPIPE' ? 'standard output was closed' : `cannot write to standard output`,
      cause.code === 'EPIPE' ? 'its reader ended before lbcap did' : cause.message,
      { cause },
    );
    onClosed();
  });
  return {
    get error() {
      return error;
    },
    write(event) {
      if (error === null) stream.write(`${JSON.stringify(event)}\n`);
    },
    writeIfTaken(event) {
      if (!stream.writableNeedDrain) this.write(event);
    },
    flushed() {
      if (error !== null) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          // A reader that is stopped: the files are complete, and nobody waits for it for ever.
          error ??= new LbcapError('OUTPUT_IO', 'the reader of standard output does not read');
          stream.destroy();
          resolve();
        }, patience);
        stream.write('', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}
