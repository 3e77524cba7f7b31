/** A path as a byte input: a regular file, read ahead of need; a fifo; a device. */
import { createReadStream, open as openFd } from 'node:fs';
import { open, stat as statOf, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { LbcapError } from '../errors.js';
import { inputError, type ByteInput } from './byte-input.js';
import { PipeInput } from './pipe-input.js';
import { StreamInput } from './stream-input.js';

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
    return stat.isFIFO()
      ? new PipeInput(path, fd)
      : new StreamInput(path, createReadStream('', { fd }));
  } catch (error) {
    throw error instanceof LbcapError ? error : inputError(path, error);
  }
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
