/** The classic pcap file header: bytes in, bytes out (pcap-savefile(5)). */
import { LbcapError } from '../errors.js';
import type { BatchFormat } from '../packet/batch.js';

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
  /** Alexey Kuznetsov's patched libpcap: 24-byte record headers (libpcap, sf-pcap.c). */
  modified: 0xa1b2cd34,
  /** The block type of a pcapng section header, the same read either way. */
  pcapng: 0x0a0d0d0a,
} as const;

/** The upper bits of the link-type field tell about a frame check sequence; 16 are the type. */
const linkTypeMask = 0xffff;

export interface PcapFileHeader {
  readonly format: BatchFormat;
  /** Bytes; may be 0 or far too large in files of other writers. */
  readonly snaplen: number;
}

/**
 * Reads the file header at the start of `bytes`.
 * @throws INPUT_FORMAT when it is no classic pcap that lbcap reads, INPUT_DAMAGED when it is cut.
 */
export function readFileHeader(bytes: Uint8Array, name: string): PcapFileHeader {
  if (bytes.length === 0) {
    throw new LbcapError('INPUT_FORMAT', `${name} is empty`, 'was the capture closed properly?', {
      details: { offset: 0 },
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4) {
    const wrong = foreignFormat(view);
    if (wrong !== null) {
      throw new LbcapError('INPUT_FORMAT', `${name} ${wrong.problem}`, wrong.remedy, {
        details: { offset: 0 },
      });
    }
  }
  if (bytes.length < fileHeaderLayout.size) {
    throw new LbcapError(
      'INPUT_DAMAGED',
      `${name} is cut in the file header: ${fileHeaderLayout.size} bytes were needed at byte 0, ${bytes.length} are there`,
      undefined,
      { details: { offset: 0 } },
    );
  }
  const magic = view.getUint32(fileHeaderLayout.magic);
  const bigEndian = magic === magics.microseconds || magic === magics.nanoseconds;
  const little = !bigEndian;
  return {
    format: {
      bigEndian,
      nanoseconds: view.getUint32(fileHeaderLayout.magic, little) === magics.nanoseconds,
      linkType: view.getUint32(fileHeaderLayout.linkType, little) & linkTypeMask,
    },
    snaplen: view.getUint32(fileHeaderLayout.snaplen, little),
  };
}

/** What the file is instead, or `null` when the magic is one of ours. */
function foreignFormat(view: DataView): { problem: string; remedy: string } | null {
  const big = view.getUint32(0);
  const little = view.getUint32(0, true);
  if ([big, little].some((m) => m === magics.microseconds || m === magics.nanoseconds)) return null;
  if (big === magics.pcapng) {
    return {
      problem: 'is a pcapng file, which this version cannot split',
      remedy: 'convert it with: editcap -F pcap IN OUT',
    };
  }
  if (big === magics.modified || little === magics.modified) {
    return {
      problem: 'is a "modified" pcap file (magic 0xa1b2cd34)',
      remedy: 'convert it with: editcap -F pcap IN OUT',
    };
  }
  if (big >>> 16 === 0x1f8b || big === 0x28b52ffd || big === 0x04224d18) {
    return {
      problem: 'is compressed, which this version cannot read',
      remedy: 'decompress it into a pipe and split -',
    };
  }
  return {
    problem: `is not a pcap file: it begins with 0x${big.toString(16).padStart(8, '0')}`,
    remedy: 'give a capture made by tcpdump, Wireshark or lbcap',
  };
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
