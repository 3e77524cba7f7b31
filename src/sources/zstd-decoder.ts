/** Decodes zstd frames: by Node where it can, else by fzstd. */
import { once } from 'node:events';
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import type { FrameDecoder } from '../formats/zstd-frames.js';

/** Since Node 22.15. */
interface ZlibWithZstd {
  createZstdDecompress(): Transform;
}

/**
 * For one frame. Node 24 would stop in silence behind the first of several, and take a whole input's
 * output at once: so each frame has a transform of its own, which is given a block at a time.
 */
export function createZstdDecoder(): FrameDecoder {
  const { createZstdDecompress } = zlib as Partial<ZlibWithZstd>;
  return createZstdDecompress === undefined
    ? new PlainDecoder()
    : new NativeDecoder(createZstdDecompress());
}

class PlainDecoder implements FrameDecoder {
  #decoded: Uint8Array[] = [];
  readonly #frame = new Decompress((chunk) => this.#decoded.push(chunk));

  push(bytes: Uint8Array, isLast: boolean): Promise<readonly Uint8Array[]> {
    this.#decoded = [];
    try {
      this.#frame.push(bytes, isLast);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    return Promise.resolve(this.#decoded);
  }
}

class NativeDecoder implements FrameDecoder {
  readonly #transform: Transform;
  #decoded: Uint8Array[] = [];

  constructor(transform: Transform) {
    this.#transform = transform;
    transform.on('data', (chunk: Uint8Array) => this.#decoded.push(chunk));
    // It is told by `push` as well; before the first there is nobody to hear it.
    transform.on('error', () => undefined);
  }

  async push(bytes: Uint8Array, isLast: boolean): Promise<readonly Uint8Array[]> {
    this.#decoded = [];
    await new Promise<void>((resolve, reject) => {
      this.#transform.write(bytes, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    if (isLast) {
      const ended = once(this.#transform, 'end');
      this.#transform.end();
      await ended;
    }
    return this.#decoded;
  }
}
