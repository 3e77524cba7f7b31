/** pcapng blocks and options as tables of numbers (draft-ietf-opsawg-pcapng, sections 3 and 4). */

/** Block types that lbcap reads or writes. */
export enum blockTypes {
  sectionHeader = 0x0a0d0d0a,
  interfaceDescription = 1,
  /** Obsolete, still met in files of Wireshark 1.x. */
  packet = 2,
  simplePacket = 3,
  nameResolution = 4,
  interfaceStatistics = 5,
  enhancedPacket = 6,
  systemdJournal = 9,
  decryptionSecrets = 10,
  custom = 0x0bad,
  customNotCopied = 0x4000_0bad,
}

/** Every block: type, total length, body, total length again. Lengths are multiples of 4. */
export enum blockLayout {
  type = 0,
  totalLength = 4,
  body = 8,
  /** Of what surrounds the body: the least that a block can have. */
  overhead = 12,
  trailer = overhead - body,
}

export const byteOrderMagic = 0x1a2b3c4d;

/** Offsets from the block's start. */
export const sectionHeaderLayout = {
  magic: 8,
  versionMajor: 12,
  versionMinor: 14,
  /** 64 bits; all ones is "not known". */
  sectionLength: 16,
  options: 24,
  minimumSize: 28,
} as const;

export const interfaceDescriptionLayout = {
  /** 16 bits. */
  linkType: 8,
  snaplen: 12,
  options: 16,
  minimumSize: 20,
} as const;

/**
 * The 16 bytes before the data are a pcap record header, but for the timestamp. The obsolete packet
 * block has the same, its interface in 16 bits, then 16 of drops.
 */
export enum enhancedPacketLayout {
  interfaceId = 8,
  timestampHigh = 12,
  timestampLow = 16,
  capturedLength = 20,
  originalLength = 24,
  data = 28,
  minimumSize = 32,
}

/** No timestamp, no interface (it is the first), no captured length: the lesser of two others. */
export const simplePacketLayout = { originalLength: 8, data: 12, minimumSize: 16 } as const;

export const interfaceStatisticsLayout = {
  interfaceId: 8,
  timestampHigh: 12,
  timestampLow: 16,
  options: 20,
} as const;

/** Records of a name resolution block follow its type and length at once, laid out as options are. */
export const nameRecords = { end: 0, ipv4: 1, ipv6: 2 } as const;

/** Options: code and length of 16 bits each, the value, padded to a multiple of 4. */
export const optionLayout = { code: 0, length: 2, value: 4 } as const;

/** Option codes; what a code means depends on the block. */
export const optionCodes = {
  end: 0,
  comment: 1,
  section: { hardware: 2, os: 3, application: 4 },
  interface: { name: 2, description: 3, resolution: 9, filter: 11, os: 12, offset: 14 },
  packet: { flags: 2 },
  statistics: {
    startTime: 2,
    endTime: 3,
    received: 4,
    interfaceDropped: 5,
    kernelDropped: 7,
    delivered: 8,
  },
} as const;

/** Rounds up to the 32 bits that everything in the format is aligned to. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
