/** Where a file source gets its bytes: a regular file, read ahead of need, or a stream. */
import { createReadStream, open as openFd } from 'node:fs';
import { open, stat as statOf, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
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

/** @throws INPUT_IO when the file cannot be opened or is a directory. */
export async function openFileInput(path: string): Promise<ByteInput> {
  try {
    const stat = await statOf(path);
    if (stat.isDirectory()) {
      throw new LbcapError('INPUT_IO', `${path} is a directory`, 'give capture files');
    }
    if (stat.isFile()) return new RegularFile(path, stat.size, await open(path, 'r'));
    const fd = await promisify(openFd)(path, 'r');
    // A read of a pipe in the thread pool could not be ended before its writer speaks.
    return new StreamInput(
      path,
      stat.isFIFO() ? new Socket({ fd, writable: false }) : createReadStream('', { fd }),
    );
  } catch (error) {
    throw error instanceof LbcapError ? error : inputError(path, error);
  }
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

class RegularFile implements ByteInput {
  readonly readAhead = 2;
  readonly name: string;
  readonly size: number;
  readonly #handle: FileHandle;
  #position = 0;

  constructor(name: string, size: number, handle: FileHandle) {
    this.name = name;
    this.size = size;
    this.#handle = handle;
  }

  async peek(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.min(length, this.size));
    return bytes.subarray(0, await this.#fill(bytes, 0, bytes.length, 0));
  }

  read(bytes: Uint8Array, offset: number, length: number): Promise<number> {
    const position = this.#position;
    this.#position += length;
    return this.#fill(bytes, offset, length, position);
  }

  async #fill(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    let filled = 0;
    try {
      // A short read in the middle of a file would shift every later one.
      while (filled < length) {
        const { bytesRead } = await this.#handle.read(
          bytes,
          offset + filled,
          length - filled,
          position + filled,
        );
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (error) {
      throw inputError(this.name, error);
    }
    return filled;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** A pipe, a fifo, standard input: hands over what there is at once, so that live input stays live. */
export class StreamInput implements ByteInput {
  readonly readAhead = 1;
  readonly size = null;
  readonly name: string;
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(name: string, stream: Readable) {
    this.name = name;
    this.#stream = stream;
    this.#chunks = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  }

  async peek(length: number): Promise<Uint8Array> {
    while (this.#rest.length < length) {
      const chunk = await this.#next();
      if (chunk === null) break;
      const longer = new Uint8Array(this.#rest.length + chunk.length);
      longer.set(this.#rest);
      longer.set(chunk, this.#rest.length);
      this.#rest = longer;
    }
    return this.#rest.subarray(0, length);
  }

  async read(bytes: Uint8Array, offset: number, length: number): Promise<number> {
    while (this.#rest.length === 0) {
      const chunk = await this.#next();
      if (chunk === null) return 0;
      this.#rest = chunk;
    }
    const taken = Math.min(length, this.#rest.length);
    bytes.set(this.#rest.subarray(0, taken), offset);
    this.#rest = this.#rest.subarray(taken);
    return taken;
  }

  async #next(): Promise<Uint8Array | null> {
    try {
      const result = await this.#chunks.next();
      return result.done === true ? null : result.value;
    } catch (error) {
      if (
        this.#stream.destroyed &&
        isSystemError(error, 'ABORT_ERR', 'ERR_STREAM_PREMATURE_CLOSE')
      ) {
        return null;
      }
      throw error instanceof LbcapError ? error : inputError(this.name, error);
    }
  }

  close(): Promise<void> {
    this.#stream.destroy();
    return Promise.resolve();
  }
}
