/** A batch: one run of bytes holding whole packet records in pcap-file layout. */

/**
 * Offsets inside a record's 16-byte header (pcap-savefile(5); draft-ietf-opsawg-pcap, section 5).
 * The packet's captured bytes follow the header at once; nothing is padded or aligned.
 */
export enum recordLayout {
  seconds = 0,
  /** Micro- or nanoseconds, as the batch says. */
  fraction = 4,
  capturedLength = 8,
  originalLength = 12,
  size = 16,
}

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
  /** Absent for pcap records. */
  readonly blocks?: BlockFormat;
}

/**
 * Records that stand in pcapng packet blocks, to be copied as whole blocks. In an Enhanced and in an
 * obsolete Packet Block the 16 bytes before the data are a record header but for the timestamp,
 * which counts ticks: its two words are the upper and the lower half of one number.
 */
export interface BlockFormat {
  /** Seconds in a tick (if_tsresol). */
  readonly tick: number;
  /** Seconds to be added to every timestamp (if_tsoffset). */
  readonly offset: number;
}

/**
 * From a block's start to its record header, and from there to the block's total length
 * (draft-ietf-opsawg-pcapng, section 4.3).
 */
export const blockLead = 12;
export const blockLengthBefore = 8;

/**
 * Whole records at `[start, end)` of the arena. The bytes are valid until the next batch is asked
 * for: a sink that keeps them copies them. A source promises that every record ends inside the
 * batch; it has checked each captured length against `maximumCapturedLength`.
 */
export interface Batch {
  readonly format: BatchFormat;
  readonly start: number;
  readonly end: number;
  /**
   * The lengths have not been looked at yet: the last record may be cut, or a length may lie. Whoever
   * walks it stops there and tells the source (`Source.walked`). One walk less over every record.
   */
  readonly unchecked?: true;
  /**
   * Beside `unchecked`: from `start` on are not records but pcapng's blocks, one behind the other. A record's header has
   * its own timestamp only when it was handed on.
   */
  readonly enhanced?: EnhancedBlocks;
  /** Where the records are, when other bytes lie between them; absent when each follows the last. */
  readonly index?: RecordIndex;
  /**
   * Whole pcapng blocks that stand before the first record and are no packets: section header (then
   * it is the first here), interface descriptions, names, secrets, statistics, custom and unknown
   * ones. In the byte order of `format`; owned by whoever gets them. Only beside `format.blocks`;
   * a batch may have no records but these.
   */
  readonly preamble?: readonly Uint8Array[];
}

/**
 * Enhanced Packet Blocks of one interface, as far as they are that, whole and without fault: the walk ends at the
 * first that is something else.
 */
export interface EnhancedBlocks {
  readonly interfaceId: number;
  /** No block is longer, bytes. */
  readonly longest: number;
  /** Where blocks are to become records: timestamps of those that are handed on are converted. Else they stay whole. */
  readonly clock: {
    /** In a second, at most 1e9. */
    readonly ticks: number;
    /** Seconds to add, an integer. */
    readonly offset: number;
    /** Fractions in a second, 1e6 or 1e9. */
    readonly perSecond: number;
  } | null;
  /**
   * Walks one block, as `clock` says.
   * @returns where it ends; -1 where the walk does
   */
  take(at: number, end: number): number;
}

/**
 * Records as they lie in a kernel ring or in pcapng blocks, each behind 16 bytes that could be made
 * its header in place: cheaper than moving them together. Valid as long as the batch.
 */
export interface RecordIndex {
  /** Offsets of the record headers in the arena, in the order of the packets. */
  readonly starts: Int32Array;
  /** How many of `starts` count. */
  readonly count: number;
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

/**
 * Gives the record headers of a batch another byte order or timestamp unit, in place, and returns
 * the batch as it then is. From nano- to microseconds the fraction is truncated, as libpcap does.
 */
export function convertRecords(view: DataView, batch: Batch, target: BatchFormat): Batch {
  const { bigEndian, nanoseconds, blocks } = batch.format;
  // Blocks are copied as they are.
  if (blocks !== undefined) return batch;
  if (bigEndian === target.bigEndian && nanoseconds === target.nanoseconds) return batch;
  const [from, to] = [!bigEndian, !target.bigEndian];
  const { index, start, unchecked } = batch;
  const end = unchecked ? endOfWholeRecords(view, start, batch.end, bigEndian) : batch.end;
  let at = index === undefined ? start : index.starts[0];
  for (let count = 1; index === undefined ? at < end : count <= index.count; count++) {
    const fraction = view.getUint32(at + recordLayout.fraction, from);
    const captured = view.getUint32(at + recordLayout.capturedLength, from);
    view.setUint32(at, view.getUint32(at, from), to);
    view.setUint32(
      at + recordLayout.fraction,
      nanoseconds === target.nanoseconds
        ? fraction
        : target.nanoseconds
          ? fraction * 1000
          : Math.floor(fraction / 1000),
      to,
    );
    view.setUint32(at + recordLayout.capturedLength, captured, to);
    const original = at + recordLayout.originalLength;
    view.setUint32(original, view.getUint32(original, from), to);
    at = index === undefined ? at + recordLayout.size + captured : index.starts[count];
  }
  const { linkType } = batch.format;
  return { ...batch, end, format: { ...target, linkType } };
}
