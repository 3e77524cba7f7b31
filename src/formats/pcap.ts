/** The classic pcap file header: bytes in, bytes out (pcap-savefile(5)). */
import { LbcapError } from '../errors.js';
import { recordLayout, type BatchFormat } from '../packet/batch.js';

/** Offsets in the 24-byte file header (draft-ietf-opsawg-pcap, section 4). */
export const fileHeaderLayout = {
  magic: 0,
  versionMajor: 4,
  versionMinor: 6,
  thisZone: 8,
  accuracy: 12,
  snaplen: 16,
  linkType: 20,
  size: 24,
} as const;

const magics = {
  microseconds: 0xa1b2c3d4,
  nanoseconds: 0xa1b23c4d,
  /** Alexey Kuznetzov's patched libpcap: longer record headers (libpcap, sf-pcap.c). */
  modified: 0xa1b2cd34,
  /** Ixia's "lcap" from hardware (nanoseconds) and software: 4 bytes more of header (wiretap, libpcap.c). */
  ixiaHardware: 0x1c0001ac,
  ixiaSoftware: 0x1c0001ab,
} as const;

/** Magics that libpcap reserves for formats that nobody documents (sf-pcap.c). */
const reservedMagics = new Map([
  [0xa1b234cd, "Francisco Mesquita's pcap format"],
  [0xa12b3c4d, "Navtel Communications' pcap format"],
]);

/** How the link-type field is cut up (draft-ietf-opsawg-pcap, section 4). */
const linkTypeBits = { type: 0xffff, reserved: 0x03ff0000 } as const;

/** AIX writes version 2.2 with interface types of RFC 1573 and nanoseconds (wiretap, libpcap.c). */
const aixLinkTypes = new Map([
  [6, 1],
  [9, 6],
  [15, 10],
  [24, 0],
]);

export interface PcapFileHeader {
  readonly format: BatchFormat;
  /** Bytes; may be 0 or far too large in files of other writers. */
  readonly snaplen: number;
  /** Of the file header, bytes. */
  readonly size: number;
  readonly records: RecordDialect;
  /** The header can stand over the same records in another file. */
  readonly isCurrent: boolean;
}

/** How record headers differ from those of version 2.4. */
export interface RecordDialect {
  /** Bytes; beyond 16 there is more behind what others have. */
  readonly headerSize: number;
  /**
   * Before version 2.3 the two lengths stood the other way round, and some writers of 2.3 had not
   * heard of the change: there the lesser one is the captured length.
   */
  readonly lengths: 'in order' | 'swapped' | 'in doubt';
}

/** How long the file header is that begins with these bytes, four at least; 24 for what is none. */
export function fileHeaderSize(first: Uint8Array): number {
  if (first.length < 4) return fileHeaderLayout.size;
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  const isIxia = [true, false].some((little) => {
    const magic = view.getUint32(fileHeaderLayout.magic, little);
    return magic === magics.ixiaHardware || magic === magics.ixiaSoftware;
  });
  return fileHeaderLayout.size + (isIxia ? 4 : 0);
}

/**
 * Reads the file header at the start of `bytes`, which may be shorter.
 * @throws INPUT_FORMAT when it is no classic pcap that lbcap reads, INPUT_DAMAGED when it is cut.
 */
export function readFileHeader(bytes: Uint8Array, name: string): PcapFileHeader {
  if (bytes.length === 0) {
    throw new LbcapError('INPUT_FORMAT', `${name} is empty`, 'was the capture closed properly?', {
      details: { offset: 0 },
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const known: number[] = Object.values(magics);
  const little = bytes.length >= 4 && known.includes(view.getUint32(fileHeaderLayout.magic, true));
  const magic = bytes.length >= 4 ? view.getUint32(fileHeaderLayout.magic, little) : 0;
  if (bytes.length >= 4 && !known.includes(magic)) throw notPcap(view, name);
  const size = fileHeaderSize(bytes);
  if (bytes.length < size) {
    throw new LbcapError(
      'INPUT_DAMAGED',
      `${name} is cut in the file header: ${size} bytes were needed at byte 0, ${bytes.length} are there`,
      undefined,
      { details: { offset: 0 } },
    );
  }
  const major = view.getUint16(fileHeaderLayout.versionMajor, little);
  const minor = view.getUint16(fileHeaderLayout.versionMinor, little);
  const lengths = lengthsOf(major, minor);
  if (lengths === null) {
    throw refusal(
      name,
      `has pcap version ${major}.${minor}`,
      'versions 2.0 to 2.4 and 543.0 can be read',
    );
  }
  const linkType = view.getUint32(fileHeaderLayout.linkType, little);
  if ((linkType & linkTypeBits.reserved) !== 0) {
    throw refusal(
      name,
      `has reserved bits set in its link type 0x${linkType.toString(16).padStart(8, '0')}`,
      'nobody knows what they mean',
    );
  }
  const aixLinkType =
    magic === magics.microseconds && major === 2 && minor === 2
      ? aixLinkTypes.get(linkType)
      : undefined;
  return {
    format: {
      bigEndian: !little,
      nanoseconds:
        magic === magics.nanoseconds || magic === magics.ixiaHardware || aixLinkType !== undefined,
      linkType: aixLinkType ?? linkType & linkTypeBits.type,
    },
    snaplen: view.getUint32(fileHeaderLayout.snaplen, little),
    size,
    records: {
      headerSize: magic === magics.modified ? modifiedHeaderSize : recordLayout.size,
      lengths,
    },
    isCurrent:
      lengths === 'in order' && (magic === magics.microseconds || magic === magics.nanoseconds),
  };
}

/** Interface index, protocol, packet type and a byte of padding stand behind the usual fields. */
const modifiedHeaderSize = 24;

/** As libpcap (sf-pcap.c); `null` for a version that it refuses. */
function lengthsOf(major: number, minor: number): RecordDialect['lengths'] | null {
  // DG/UX.
  if (major === 543 && minor === 0) return 'swapped';
  if (major !== 2 || minor > 4) return null;
  return minor < 3 ? 'swapped' : minor === 3 ? 'in doubt' : 'in order';
}

function notPcap(view: DataView, name: string): LbcapError {
  const big = view.getUint32(0);
  const reserved = reservedMagics.get(big) ?? reservedMagics.get(view.getUint32(0, true));
  if (reserved !== undefined) return refusal(name, `is in ${reserved}`, 'only its makers read it');
  return refusal(
    name,
    `is not a capture: it begins with 0x${big.toString(16).padStart(8, '0')}`,
    'give a pcap or pcapng file, as tcpdump, Wireshark or lbcap make them',
  );
}

function refusal(name: string, problem: string, remedy: string): LbcapError {
  return new LbcapError('INPUT_FORMAT', `${name} ${problem}`, remedy, { details: { offset: 0 } });
}

/** The 24 bytes of a version 2.4 header. */
export function fileHeader(format: BatchFormat, snaplen: number): Uint8Array {
  const bytes = new Uint8Array(fileHeaderLayout.size);
  const view = new DataView(bytes.buffer);
  const little = !format.bigEndian;
  view.setUint32(
    fileHeaderLayout.magic,
    format.nanoseconds ? magics.nanoseconds : magics.microseconds,
    little,
  );
  view.setUint16(fileHeaderLayout.versionMajor, 2, little);
  view.setUint16(fileHeaderLayout.versionMinor, 4, little);
  view.setUint32(fileHeaderLayout.snaplen, snaplen, little);
  view.setUint32(fileHeaderLayout.linkType, format.linkType, little);
  return bytes;
}
