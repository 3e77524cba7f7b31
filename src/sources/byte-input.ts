/** Where a file source gets its bytes. */
import { isSystemError, LbcapError, messageOf } from '../errors.js';

/** Bytes in order. Reads may be asked for ahead; they are answered in order. */
export interface ByteInput {
  readonly name: string;
  /** Bytes, for a regular file. */
  readonly size: number | null;
  /** How many reads may be pending at once. */
  readonly readAhead: number;
  /** The first bytes, before any `read`: as many as asked for, fewer where the input ends before. */
  peek(length: number): Promise<Uint8Array>;
  /** Fills `bytes[offset, offset + length)` as far as there is input; 0 is the end. */
  read(bytes: Uint8Array, offset: number, length: number): Promise<number>;
  close(): Promise<void>;
}

/** The system's words about an input, with what to do. */
export function inputError(name: string, error: unknown): LbcapError {
  const remedy = isSystemError(error, 'ENOENT')
    ? 'there is no such file'
    : isSystemError(error, 'EACCES', 'EPERM')
      ? 'you may not read it'
      : messageOf(error);
  return new LbcapError('INPUT_IO', `cannot read ${name}`, remedy, { cause: error });
}
