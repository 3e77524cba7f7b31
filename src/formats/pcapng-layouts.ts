/** Where everything lies in pcapng blocks (draft-ietf-opsawg-pcapng): for reader and writer both. */

/** Block types (section 10.1 of the draft). */
export const blockTypes = {
  interfaceDescription: 1,
  /** Obsolete, but old files have it. */
  packet: 2,
  simplePacket: 3,
  nameResolution: 4,
  interfaceStatistics: 5,
  enhancedPacket: 6,
  systemdJournal: 9,
  decryptionSecrets: 10,
  custom: 0xbad,
  /** A custom block that is not to be copied to other files. */
  customNotCopied: 0x40000bad,
  /** Reads the same in either byte order. */
  sectionHeader: 0x0a0d0d0a,
} as const;

/** Read in the section's byte order it is this, else its mirror image. */
export const byteOrderMagic = 0x1a2b3c4d;

/** What begins and ends every block; lengths count the whole block, and are multiples of 4. */
export const blockLayout = {
  type: 0,
  totalLength: 4,
  body: 8,
  minimumSize: 12,
  trailer: 4,
} as const;

export const sectionHeaderLayout = {
  byteOrderMagic: 8,
  versionMajor: 12,
  versionMinor: 14,
  /** 64 bits; all ones where it is not known. */
  sectionLength: 16,
  options: 24,
  minimumSize: 28,
} as const;

export const interfaceLayout = {
  /** 16 bits. */
  linkType: 8,
  snaplen: 12,
  options: 16,
  minimumSize: 20,
} as const;

/** The enhanced and the obsolete packet block; the latter's interface has 16 bits, then 16 of drops. */
export const packetLayout = {
  interface: 8,
  timestampHigh: 12,
  timestampLow: 16,
  capturedLength: 20,
  originalLength: 24,
  data: 28,
  minimumSize: 32,
} as const;

/** No timestamp, no interface (it is the first), no captured length: the lesser of two others. */
export const simplePacketLayout = { originalLength: 8, data: 12, minimumSize: 16 } as const;

/** A record: 16 bits of type, 16 of length, the value padded to 4 bytes. */
export const nameRecordLayout = { type: 0, length: 2, value: 4 } as const;
export const nameRecordTypes = { end: 0, ipv4: 1, ipv6: 2 } as const;

export const statisticsLayout = {
  interface: 8,
  timestampHigh: 12,
  timestampLow: 16,
  options: 20,
  minimumSize: 24,
} as const;

/** An option: 16 bits of code, 16 of length, the value padded to 4 bytes. */
export const optionLayout = { code: 0, length: 2, value: 4 } as const;

/** Option codes, by the block that they stand in; the first two stand in all. */
export const options = {
  end: 0,
  comment: 1,
  section: { hardware: 2, os: 3, application: 4 },
  interface: {
    name: 2,
    description: 3,
    /** One byte: a power of 10, or of 2 with the upper bit set, negated. */
    timestampResolution: 9,
    filter: 11,
    os: 12,
    fcsLength: 13,
    /** 64 bits, signed: seconds. */
    timestampOffset: 14,
    hardware: 15,
  },
  packet: { flags: 2, hash: 3, dropCount: 4 },
  statistics: {
    startTime: 2,
    endTime: 3,
    received: 4,
    dropped: 5,
    accepted: 6,
    osDropped: 7,
    /** Packets that reached the user: here, that are in the file. */
    delivered: 8,
  },
} as const;

/** In epb_flags: the direction, in its lowest two bits. */
export const packetDirections = { inbound: 1, outbound: 2 } as const;

/** Rounds up to the 4 bytes that everything in a block is aligned to. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
