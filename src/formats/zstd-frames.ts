/** Cuts zstd frames into blocks and decodes one at a time: no input makes more than 128 KiB at once (RFC 8878). */
import { decodeFrames } from './compressed-frames.js';
import { CompressionError, littleNumber, PendingBytes } from './pending-bytes.js';

const frameMagic = 0xfd2fb528;
/** What zstd itself refuses to decode unless told otherwise (--long, ZSTD_WINDOWLOG_LIMIT_DEFAULT). */
const largestWindow = 2 ** 27;
const largestBlock = 128 * 1024;
const blockKinds = { raw: 0, run: 1, reserved: 3 } as const;

/** Decodes one frame. */
export interface FrameDecoder {
  /**
   * Takes the frame's next bytes: its header and first block, or a block.
   * @returns what they decode to
   * @throws what is wrong with them
   */
  push(bytes: Uint8Array, isLast: boolean): Promise<readonly Uint8Array[]>;
}

/** @param createDecoder is asked for each frame */
export function zstdChunks(
  pieces: AsyncIterable<Uint8Array>,
  createDecoder: () => FrameDecoder,
): AsyncGenerator<Uint8Array> {
  const input = new PendingBytes(pieces);
  return decodeFrames(input, frameMagic, (magic) => frame(input, magic, createDecoder()));
}

async function* frame(
  input: PendingBytes,
  magic: Uint8Array,
  decoder: FrameDecoder,
): AsyncGenerator<Uint8Array> {
  const { bytes: header, hasChecksum } = await frameHeader(input);
  let before = Buffer.concat([magic, header]);
  for (let isLast = false; !isLast;) {
    const head = await input.take(3);
    const word = littleNumber(head, 0, 3);
    isLast = (word & 1) !== 0;
    const kind = (word >>> 1) & 3;
    const size = word >>> 3;
    if (kind === blockKinds.reserved || size > largestBlock) {
      throw new CompressionError('a block of no known kind or size');
    }
    const content = await input.take(kind === blockKinds.run ? 1 : size);
    const checksum = isLast && hasChecksum ? await input.take(4) : new Uint8Array(0);
    let decoded;
    try {
      decoded = await decoder.push(Buffer.concat([before, head, content, checksum]), isLast);
    } catch (error) {
      throw new CompressionError(error instanceof Error ? error.message : 'invalid data');
    }
    before = Buffer.alloc(0);
    yield* decoded;
  }
}

/** What stands between the magic and the first block (section 3.1.1.1). */
async function frameHeader(
  input: PendingBytes,
): Promise<{ bytes: Uint8Array; hasChecksum: boolean }> {
  const descriptor = await input.take(1);
  const flags = descriptor[0];
  const isSingle = (flags & 0x20) !== 0;
  const windowSize = isSingle ? 0 : 1;
  const dictionarySize = [0, 1, 2, 4][flags & 3];
  const contentSize = [isSingle ? 1 : 0, 2, 4, 8][flags >>> 6];
  const rest = await input.take(windowSize + dictionarySize + contentSize);
  const window = isSingle
    ? littleNumber(rest, dictionarySize, contentSize)
    : 2 ** (10 + (rest[0] >>> 3)) * (1 + (rest[0] & 7) / 8);
  if (window > largestWindow) {
    throw new CompressionError(
      `it needs a window of ${window} bytes, and ${largestWindow} is the most`,
    );
  }
  return { bytes: Buffer.concat([descriptor, rest]), hasChecksum: (flags & 4) !== 0 };
}
