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

/**
 * End of the last whole record in `[start, end)`. It stops earlier, at a record whose captured
 * length cannot be believed: then `end - result` holds a header and `lengthAt(result)` is beyond
 * `maximumCapturedLength`.
 */
export function endOfWholeRecords(
  view: DataView,
  start: number,
  end: number,
  bigEndian: boolean,
): number {
  const little = !bigEndian;
  let at = start;
  while (at + recordLayout.size <= end) {
    // A length of 2 GiB or more reads as negative: one unsigned compare refuses both ends.
    const captured = view.getInt32(at + recordLayout.capturedLength, little);
    if (captured >>> 0 > maximumCapturedLength) return at;
    const next = at + recordLayout.size + captured;
    if (next > end) return at;
    at = next;
  }
  return at;
}

/** Turns microseconds into nanoseconds in place, record by record. */
export function scaleToNanoseconds(view: DataView, batch: Batch): void {
  const little = !batch.format.bigEndian;
  let at = batch.start;
  while (at < batch.end) {
    const fraction = at + recordLayout.fraction;
    view.setUint32(fraction, view.getUint32(fraction, little) * 1000, little);
    at += recordLayout.size + view.getUint32(at + recordLayout.capturedLength, little);
  }
}
