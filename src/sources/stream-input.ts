/** One of Node's streams as a byte input. */
import type { Readable } from 'node:stream';
import { isSystemError, LbcapError } from '../errors.js';
import { inputError, type ByteInput } from './byte-input.js';

/** Hands over what there is at once, so that live input stays live. */
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
