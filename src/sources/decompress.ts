/** Compressed captures: told by their magic, decompressed piece by piece. */
import { pipeline, Readable, type TransformOptions } from 'node:stream';
import { createGunzip, type ZlibOptions } from 'node:zlib';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import { lz4Chunks } from '../formats/lz4-frames.js';
import { CompressionError } from '../formats/pending-bytes.js';
import { zstdChunks } from '../formats/zstd-frames.js';
import type { ByteInput } from './byte-input.js';
import { StreamInput } from './stream-input.js';
import { createZstdDecoder } from './zstd-decoder.js';

const magics = {
  /** Two bytes, then the method: only deflate was ever defined (RFC 1952). */
  gzip: 0x1f8b08,
  /** RFC 8878, section 3.1.1; read big-endian. */
  zstd: 0x28b52ffd,
  /** lz4_Frame_format.md; read big-endian. */
  lz4: 0x04224d18,
  lz4Legacy: 0x02214c18,
} as const;

/** How much is read, and how much zlib may give, at a time. */
const pieceSize = 128 * 1024;

/**
 * The input itself, or what it decompresses to. Members or frames that follow one another are one input.
 * @throws INPUT_FORMAT for a compression that is known but not read
 */
export async function decompressed(input: ByteInput): Promise<ByteInput> {
  const first = await input.peek(4);
  if (first.length < 4) return input;
  const magic = new DataView(first.buffer, first.byteOffset).getUint32(0);
  if (magic >>> 8 === magics.gzip) return withGunzip(input);
  if (magic === magics.zstd) {
    return withChunks(input, 'zstd', (pieces) => zstdChunks(pieces, createZstdDecoder));
  }
  if (magic === magics.lz4) return withChunks(input, 'lz4', lz4Chunks);
  if (magic === magics.lz4Legacy) {
    throw new LbcapError(
      'INPUT_FORMAT',
      `${input.name} is in the legacy format of lz4`,
      'decompress it into a pipe and split -: lz4 -dc FILE | lbcap split - …',
    );
  }
  return input;
}

function withGunzip(input: ByteInput): ByteInput {
  // It works on only when its last piece was taken: so an error finds no piece that it would discard.
  const options: TransformOptions & ZlibOptions = {
    chunkSize: pieceSize,
    readableHighWaterMark: 1,
  };
  const transform = createGunzip(options);
  pipeline(Readable.from(pieces(input), { objectMode: false }), transform, () => undefined);
  return new DecompressedInput(input, 'gzip', transform);
}

function withChunks(
  input: ByteInput,
  method: string,
  decode: (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): ByteInput {
  const stream = Readable.from(decode(pieces(input)), { objectMode: true, highWaterMark: 1 });
  return new DecompressedInput(input, method, stream);
}

async function* pieces(input: ByteInput): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = new Uint8Array(pieceSize);
    const length = await input.read(piece, 0, piece.length);
    if (length === 0) return;
    yield piece.subarray(0, length);
  }
}

class DecompressedInput implements ByteInput {
  readonly readAhead = 1;
  readonly size = null;
  readonly name: string;
  readonly #input: ByteInput;
  readonly #method: string;
  readonly #stream: StreamInput;

  constructor(input: ByteInput, method: string, stream: Readable) {
    this.name = input.name;
    this.#input = input;
    this.#method = method;
    this.#stream = new StreamInput(input.name, stream);
  }

  peek(length: number): Promise<Uint8Array> {
    return this.#explained(this.#stream.peek(length));
  }

  read(bytes: Uint8Array, offset: number, length: number): Promise<number> {
    return this.#explained(this.#stream.read(bytes, offset, length));
  }

  async close(): Promise<void> {
    await this.#stream.close();
    await this.#input.close();
  }

  async #explained<T>(pending: Promise<T>): Promise<T> {
    try {
      return await pending;
    } catch (error) {
      const cause = error instanceof LbcapError ? error.cause : error;
      const isOurs = cause instanceof CompressionError;
      if (!isOurs && !isSystemError(cause, 'Z_DATA_ERROR', 'Z_BUF_ERROR')) throw error;
      throw new LbcapError(
        'INPUT_DAMAGED',
        `the ${this.#method} data of ${this.name} is damaged, ${messageOf(cause)}`,
        undefined,
        { cause },
      );
    }
  }
}
