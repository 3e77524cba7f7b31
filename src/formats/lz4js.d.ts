/** What lbcap uses of lz4js, which has no types of its own. */
declare module 'lz4js' {
  interface Lz4 {
    /**
     * Decodes `source[start, start + length)` to `target` from `at` on, where matches may reach back before it.
     * @returns where it ended, even beyond the end of `target`
     */
    decompressBlock(
      source: Uint8Array,
      target: Uint8Array,
      start: number,
      length: number,
      at: number,
    ): number;
    /**
     * Encodes `source[start, start + length)` to the start of `target`.
     * @param table 65,536 zeros
     * @returns the bytes written; 0 where it cannot be made shorter
     */
    compressBlock(
      source: Uint8Array,
      target: Uint8Array,
      start: number,
      length: number,
      table: Uint32Array,
    ): number;
    compressBound(length: number): number;
  }
  const lz4: Lz4;
  export default lz4;
}
