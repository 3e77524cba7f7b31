/** What zstd and lz4 data are made of: frames, one after the other. */
import { CompressionError, littleNumber, type PendingBytes } from './pending-bytes.js';

/**
 * @param frameMagic what every frame begins with that holds data
 * @param decode reads the frame to its end; the input stands behind its magic
 * @returns what the frames decode to
 * @throws CompressionError where something else stands
 */
export async function* decodeFrames(
  input: PendingBytes,
  frameMagic: number,
  decode: (magic: Uint8Array) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (;;) {
    const magic = await input.takeOrEnd(4);
    if (magic.length === 0) return;
    const value = magic.length < 4 ? 0 : littleNumber(magic, 0, 4);
    if (isSkippable(value)) await input.skip(littleNumber(await input.take(4), 0, 4));
    else if (value === frameMagic) yield* decode(magic);
    else throw new CompressionError('something else stands where a frame should begin');
  }
}

/** Frames that both have: users' own data, to be stepped over (RFC 8878, section 3.1.2). */
function isSkippable(magic: number): boolean {
  return (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}
