/** A batch: one run of bytes holding whole packet records in pcap-file layout. */

/**
 * Offsets inside a record's 16-byte header (pcap-savefile(5); draft-ietf-opsawg-pcap, section 5).
 * The packet's captured bytes follow the header at once; nothing is padded or aligned.
 */
export const recordLayout = {
  seconds: 0,
  /** Micro- or nanoseconds, as the batch says. */
  fraction: 4,
  capturedLength: 8,
  originalLength: 12,
  size: 16,
} as const;

/**
 * The longest captured length that any reader of lbcap believes: libpcap's MAXIMUM_SNAPLEN.
 * Beyond it a length field is damage, as it is for libpcap (pcap-int.h).
 */
export const maximumCapturedLength = 262_144;

/** Room for the longest record there is. */
export const maximumRecordSize = recordLayout.size + maximumCapturedLength;

/** What is the same for every record of a batch, and usually of a whole source. */
export interface BatchFormat {
  /** LINKTYPE_ value as in a file's header (tcpdump.org/linktypes.html), e.g. 1 for Ethernet. */
  readonly linkType: number;
  /** Byte order of the record headers. */
  readonly bigEndian: boolean;
  /** Timestamp fractions are nanoseconds (else microseconds). */
  readonly nanoseconds: boolean;
}

/**
 * Whole records at `[start, end)` of the arena. The bytes are valid until the next batch is asked
 * for: a sink that keeps them copies them. A source promises that every record ends inside the
 * batch; it has checked each captured length against `maximumCapturedLength`.
 */
export interface Batch {
  readonly format: BatchFormat;
  readonly start: number;
  readonly end: number;
}

/** True when two formats let their records stand in one classic pcap file. */
export function sameFormat(a: BatchFormat, b: BatchFormat): boolean {
  return (
    a.linkType === b.linkType && a.bigEndian === b.bigEndian && a.nanoseconds === b.nanoseconds
  );
}
