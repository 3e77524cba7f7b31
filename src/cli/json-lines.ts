/** Writes `--json` lines to stdout, and tells when the reader has gone. */
import { LbcapError } from '../errors.js';

export interface JsonLines {
  write(event: object): void;
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
    flushed() {
      if (error !== null) return Promise.resolve();
      return new Promise((resolve) => {
        stream.write('', () => {
          resolve();
        });
      });
    },
  };
}
