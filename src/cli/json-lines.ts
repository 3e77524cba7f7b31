/** Writes `--json` lines to stdout, and tells when the reader has gone. */
import { LbcapError } from '../errors.js';
import { LazySequence } from '../sequence.js';

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
      if (error !== null) return;
      for (const piece of linePieces(event)) stream.write(piece);
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

/** Items of a lazy sequence that are written at once. */
const together = 1000;

/** A line of JSON, in pieces where a field has thousands of items that are made for it. */
export function* linePieces(event: object): Generator<string> {
  const fields = Object.entries(event) as [string, unknown][];
  if (!fields.some(([, value]) => value instanceof LazySequence)) {
    yield `${JSON.stringify(event)}\n`;
    return;
  }
  let before = '{';
  for (const [name, value] of fields) {
    if (value === undefined) continue;
    yield `${before}${JSON.stringify(name)}:`;
    if (value instanceof LazySequence) yield* listPieces(value);
    else yield JSON.stringify(value);
    before = ',';
  }
  yield '}\n';
}

function* listPieces(items: LazySequence<unknown>): Generator<string> {
  let before = '[';
  let some: unknown[] = [];
  const piece = () => `${before}${JSON.stringify(some).slice(1, -1)}`;
  for (const item of items) {
    some.push(item);
    if (some.length < together) continue;
    yield piece();
    before = ',';
    some = [];
  }
  if (some.length > 0 || before === '[') yield piece();
  yield ']';
}
