/** Bytes that come in pieces of any size and are wanted in pieces of others. */

/** Compressed data that cannot be; the message says why. */
export class CompressionError extends Error {
  override readonly name = 'CompressionError';
}

export class PendingBytes {
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #pieces: AsyncIterator<Uint8Array>;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /**
   * The next `length` bytes.
   * @throws CompressionError when the input ends before
   */
  async take(length: number): Promise<Uint8Array> {
    const taken = await this.takeOrEnd(length);
    if (taken.length < length) throw new CompressionError('unexpected end of file');
    return taken;
  }

  /** The next `length` bytes, or as many as there are before the end. */
  async takeOrEnd(length: number): Promise<Uint8Array> {
    if (this.#bytes.length < length) await this.#gather(length);
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(taken.length);
    return taken;
  }

  /** @throws CompressionError when the input ends before */
  async skip(length: number): Promise<void> {
    while (length > 0) {
      const step = Math.min(length, 65_536);
      await this.take(step);
      length -= step;
    }
  }

  async #gather(length: number): Promise<void> {
    const parts = [this.#bytes];
    let there = this.#bytes.length;
    while (there < length) {
      const result = await this.#pieces.next();
      if (result.done === true) break;
      parts.push(result.value);
      there += result.value.length;
    }
    this.#bytes = new Uint8Array(Buffer.concat(parts));
  }
}

/** Reads `size` bytes, little-endian, as a number; beyond 2^53 it is not exact. */
export function littleNumber(bytes: Uint8Array, start: number, size: number): number {
  let value = 0;
  for (let at = start + size - 1; at >= start; at--) value = value * 256 + bytes[at];
  return value;
}
