/** Reads lz4 frames block by block (lz4_Frame_format.md, version 1.6.1); blocks of 4 MiB at most. */
import lz4 from 'lz4js';
import { decodeFrames } from './compressed-frames.js';
import { CompressionError, littleNumber, PendingBytes } from './pending-bytes.js';

const frameMagic = 0x184d2204;
/** Matches reach back so far, into the block before where blocks are linked. */
const historySize = 64 * 1024;
const blockSizes = new Map([
  [4, 64 * 1024],
  [5, 256 * 1024],
  [6, 1024 * 1024],
  [7, 4 * 1024 * 1024],
]);

export function lz4Chunks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = new PendingBytes(pieces);
  return decodeFrames(input, frameMagic, () => frame(input));
}

async function* frame(input: PendingBytes): AsyncGenerator<Uint8Array> {
  const [flags, descriptor] = await input.take(2);
  const largest = blockSizes.get((descriptor >>> 4) & 7);
  if (flags >>> 6 !== 1 || largest === undefined) throw new CompressionError('an unknown frame');
  if ((flags & 1) !== 0) throw new CompressionError('it needs a dictionary');
  // The content's size, which is not needed, and the header's checksum.
  await input.skip(((flags & 8) !== 0 ? 8 : 0) + 1);
  const hasBlockChecksum = (flags & 0x10) !== 0;
  const output = new Uint8Array(historySize + largest);
  for (;;) {
    const word = littleNumber(await input.take(4), 0, 4);
    if (word === 0) break;
    const size = word & 0x7fffffff;
    if (size > largest) throw new CompressionError(`a block of ${size} bytes`);
    const block = await input.take(size);
    if (hasBlockChecksum) await input.skip(4);
    const isPlain = word >= 2 ** 31;
    let end = historySize + size;
    if (isPlain) output.set(block, historySize);
    else end = lz4.decompressBlock(block, output, 0, size, historySize);
    // What it writes beyond the array is lost, but counted.
    if (!(end <= output.length)) throw new CompressionError('a block that grows beyond its size');
    yield output.slice(historySize, end);
    output.copyWithin(0, end - historySize, end);
  }
  if ((flags & 4) !== 0) await input.skip(4);
}
