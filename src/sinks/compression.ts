/** Compresses what goes into files, piece by piece. */
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

/** File name extensions, without the dot. */
export const compressions = { gzip: 'gz', zstd: 'zst', lz4: 'lz4' } as const;
export type CompressionName = keyof typeof compressions;

/**
 * Every piece stands for itself: a member (gzip), a frame (zstd) or a block (lz4) of its own. Nothing is
 * kept between two pieces, so thousands of files cost no memory, and whatever was written can be read
 * after a kill.
 */
export interface Compression {
  /** File name extension, without the dot. */
  readonly extension: string;
  /** What stands before the first piece and behind the last; may be empty. */
  readonly begin: Uint8Array;
  readonly end: Uint8Array;
  /** In the thread pool where the library has one; the bytes must not change meanwhile. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  compressNow(bytes: Uint8Array): Uint8Array;
}

const nothing = new Uint8Array(0);

/** Loads the library where it is not Node's own. */
export async function openCompression(name: CompressionName): Promise<Compression> {
  switch (name) {
    case 'gzip':
      return {
        extension: compressions.gzip,
        begin: nothing,
        end: nothing,
        compress: promisify<Uint8Array, Uint8Array>(zlib.gzip),
        compressNow: zlib.gzipSync,
      };
    case 'zstd':
      return nodeZstd() ?? (await wasmZstd());
    case 'lz4':
      return await blocksOfLz4();
  }
}

/** node:zlib has had zstd since 22.15 and 23.8; its types for Node 20 do not know. */
interface WithZstd {
  readonly zstdCompress?: (
    bytes: Uint8Array,
    done: (error: Error | null, result: Uint8Array) => void,
  ) => void;
  readonly zstdCompressSync?: (bytes: Uint8Array) => Uint8Array;
}

function nodeZstd(): Compression | null {
  const { zstdCompress, zstdCompressSync } = zlib as WithZstd;
  if (zstdCompress === undefined || zstdCompressSync === undefined) return null;
  return {
    extension: compressions.zstd,
    begin: nothing,
    end: nothing,
    compress: promisify<Uint8Array, Uint8Array>(zstdCompress),
    compressNow: zstdCompressSync,
  };
}

async function wasmZstd(): Promise<Compression> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd');
  const zstd = await Zstd.load();
  const compressNow = (bytes: Uint8Array) => zstd.compress(bytes);
  return {
    extension: compressions.zstd,
    begin: nothing,
    end: nothing,
    compressNow,
    compress: inTurn(compressNow),
  };
}

/**
 * One frame for a file, since Wireshark 4.0 reads no second one well. Version 1, independent blocks of
 * 4 MiB at most, no checksums but the header's own (lz4_Frame_format.md).
 */
const lz4Frame = {
  head: Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73),
  /** A block's length of zero. */
  end: new Uint8Array(4),
  uncompressed: 0x8000_0000,
} as const;
/**
 * Bytes in a block: less than the frame lets, because lz4js matches closer to a block's end than the format
 * permits, which decoders with room to spare do not mind.
 */
const mostInBlock = 1024 * 1024;

async function blocksOfLz4(): Promise<Compression> {
  const { default: lz4 } = await import('lz4js');
  const table = new Uint32Array(65_536);
  const block = (bytes: Uint8Array): Uint8Array => {
    const target = new Uint8Array(4 + lz4.compressBound(bytes.length));
    table.fill(0);
    const length = lz4.compressBlock(bytes, target.subarray(4), 0, bytes.length, table);
    const isShorter = length > 0 && length < bytes.length;
    if (!isShorter) target.set(bytes, 4);
    const size = isShorter ? length : bytes.length;
    const word = isShorter ? size : (size | lz4Frame.uncompressed) >>> 0;
    new DataView(target.buffer).setUint32(0, word, true);
    return target.subarray(0, 4 + size);
  };
  const compressNow = (bytes: Uint8Array): Uint8Array => {
    if (bytes.length <= mostInBlock) return block(bytes);
    const blocks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += mostInBlock) {
      blocks.push(block(bytes.subarray(at, at + mostInBlock)));
    }
    return Buffer.concat(blocks);
  };
  return {
    extension: compressions.lz4,
    begin: lz4Frame.head,
    end: lz4Frame.end,
    compressNow,
    compress: inTurn(compressNow),
  };
}

/** For a library that works on this thread: timers and signals get their turn between two pieces. */
function inTurn(compressNow: (bytes: Uint8Array) => Uint8Array): Compression['compress'] {
  return async (bytes) => {
    await turn();
    return compressNow(bytes);
  };
}
