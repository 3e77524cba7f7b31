/** Compresses what goes into files, piece by piece. */

/**
 * Every piece becomes a member (gzip) or frame (zstd, lz4) of its own, which programs read one after
 * the other: nothing is kept between two pieces, so thousands of files cost no memory, and whatever
 * was written can be read after a kill.
 */
export interface Compression {
  readonly name: string;
  /** File name extension, without the dot. */
  readonly extension: string;
  /** In the thread pool; the bytes must not change meanwhile. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  compressNow(bytes: Uint8Array): Uint8Array;
}
