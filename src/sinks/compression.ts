/** Compresses what goes into files, piece by piece. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';

/** File name extensions, without the dot. */
export const compressions = { gzip: 'gz', zstd: 'zst', lz4: 'lz4' } as const;
export type CompressionName = keyof typeof compressions;

/**
 * Every piece becomes a member (gzip) or frame (zstd, lz4) of its own, which programs read one after
 * the other: nothing is kept between two pieces, so thousands of files cost no memory, and whatever
 * was written can be read after a kill.
 */
export interface Compression {
  /** File name extension, without the dot. */
  readonly extension: string;
  /** In the thread pool where the library has one; the bytes must not change meanwhile. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  compressNow(bytes: Uint8Array): Uint8Array;
}

/** lz4js makes one block of less than 4 MiB. */
const mostInFrame = 1024 * 1024;

/** Loads the library where it is not Node's own. */
export async function openCompression(name: CompressionName): Promise<Compression> {
  switch (name) {
    case 'gzip':
      return {
        extension: compressions.gzip,
        compress: promisify<Uint8Array, Uint8Array>(zlib.gzip),
        compressNow: zlib.gzipSync,
      };
    case 'zstd':
      return nodeZstd() ?? inTurn(compressions.zstd, await wasmZstd());
    case 'lz4': {
      const lz4 = (await import('lz4js')).default;
      return inTurn(compressions.lz4, (bytes) => {
        const frames: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += mostInFrame) {
          frames.push(lz4.compress(bytes.subarray(at, at + mostInFrame)));
        }
        return frames.length === 1 ? frames[0] : Buffer.concat(frames);
      });
    }
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
    compress: promisify<Uint8Array, Uint8Array>(zstdCompress),
    compressNow: zstdCompressSync,
  };
}

async function wasmZstd(): Promise<(bytes: Uint8Array) => Uint8Array> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd');
  const zstd = await Zstd.load();
  return (bytes) => zstd.compress(bytes);
}

/** A library that works on this thread: timers and signals get their turn between two pieces. */
function inTurn(extension: string, compressNow: (bytes: Uint8Array) => Uint8Array): Compression {
  return {
    extension,
    compressNow,
    compress: (bytes) =>
      new Promise((resolve) => {
        setImmediate(() => {
          resolve(compressNow(bytes));
        });
      }),
  };
}
