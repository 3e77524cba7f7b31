/** Frames that zstd and lz4 share: users' own data, to be stepped over (RFC 8878, section 3.1.2). */
export function isSkippable(magic: number): boolean {
  return (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}
