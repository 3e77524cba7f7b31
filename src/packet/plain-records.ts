/** Rows of records that hold plain IPv4 packets, their fields side by side: what most captures are made of. */
import { blockLengthBefore, maximumRecordSize, recordLayout, type BatchFormat } from './batch.js';
import { ipv4Layout } from './ip.js';
import { linkLayerOf, unknownLayer } from './link-layer.js';

/** Records in a row at most: their fields stay in the processor's first cache. */
const longestRow = 1024;
/** And bytes, but for the last record: what is then handed on goes into one output slot. */
const widestRow = 64 * 1024;
/** Longer packets (on the wire) are left to others: they are few, and so a row's sum stays below 2^31. */
const longestPacket = 1024 * 1024;
/** Version 4, a header of five words: no options. */
const plainIpv4 = 0x45;

/** Where in a record's fields is what; `width` fields are one record's. */
export enum recordFields {
  start = 0,
  source = 1,
  destination = 2,
  length = 3,
  width = 4,
}

export interface PlainRecords {
  /**
   * The row that was read last: for each record its offset, its two addresses as `DataView.getInt32`
   * reads them, and its length on the wire. Behind the last one stands the offset where the next would be.
   */
  readonly fields: Int32Array;
  /** What is read next is of this format. */
  begin(format: BatchFormat): void;
  /**
   * Reads records that follow one another at once, from the one at `at` on, up to the first that is
   * something else.
   * @param limit no packet that is taken ends beyond it
   * @returns how many, 0 when even the first is something else
   */
  read(at: number, limit: number): number;
  /**
   * The same for records that have an index.
   * @param starts of the record headers, of whole records
   * @param number of the first, among the `total` that there are
   * @param blocks they are in pcapng blocks, and the row ends where something lies between two; else
   *   they lie apart, as those do that were made of blocks, and `ends` says how far each goes
   */
  readIndexed(starts: Int32Array, number: number, total: number, blocks: boolean): number;
  /** Of the row that `readIndexed` read: where each record ends. */
  readonly ends: Int32Array;
}

/**
 * The loops have no branch that could go either way, which lets the processor fetch ahead; what follows
 * from the fields is decided in a second loop, on an array that is near. They are closures since V8
 * makes constants of what a function that is made once has closed over: half the time of a method.
 */
export function plainRecords(view: DataView): PlainRecords {
  const { width } = recordFields;
  const fields = new Int32Array((longestRow + 1) * width);
  const ends = new Int32Array(longestRow);
  let littleEndian = true;
  let type = unknownLayer.fastIpv4;

  function read(at: number, limit: number): number {
    const little = littleEndian;
    const typeOffset = recordLayout.size + type.offset;
    const { mask, value } = type;
    const ipOffset = recordLayout.size + type.ip;
    const shortest = ipOffset + ipv4Layout.minimumSize;
    const last = Math.min(limit - shortest, at + widestRow);
    let count = 0;
    while (at <= last && count < longestRow) {
      const captured = view.getInt32(at + recordLayout.capturedLength, little);
      const length = view.getInt32(at + recordLayout.originalLength, little);
      const size = recordLayout.size + captured;
      const ip = at + ipOffset;
      if (isOther(size, shortest, length, view.getInt32(ip))) break;
      if (at + size > limit) break;
      if ((view.getUint16(at + typeOffset) & mask) !== value) break;
      const field = count * width;
      fields[field] = at;
      fields[field + recordFields.source] = view.getInt32(ip + ipv4Layout.source);
      fields[field + recordFields.destination] = view.getInt32(ip + ipv4Layout.destination);
      fields[field + recordFields.length] = length;
      count = (count + 1) | 0;
      at = (at + size) | 0;
    }
    fields[count * width] = at;
    return count;
  }

  function readIndexed(starts: Int32Array, number: number, total: number, blocks: boolean): number {
    const little = littleEndian;
    const typeOffset = recordLayout.size + type.offset;
    const { mask, value } = type;
    const ipOffset = recordLayout.size + type.ip;
    const shortest = ipOffset + ipv4Layout.minimumSize;
    const most = Math.min(longestRow, total - number);
    const first = starts[number];
    const last = Math.min(view.byteLength - shortest, first + widestRow);
    let next = first;
    let count = 0;
    while (count < most) {
      const at = starts[number + count];
      if (at > last || (blocks && at !== next)) break;
      const captured = view.getInt32(at + recordLayout.capturedLength, little);
      const length = view.getInt32(at + recordLayout.originalLength, little);
      const size = recordLayout.size + captured;
      const ip = at + ipOffset;
      if (isOther(size, shortest, length, view.getInt32(ip))) break;
      if ((view.getUint16(at + typeOffset) & mask) !== value) break;
      const field = count * width;
      fields[field] = at;
      fields[field + recordFields.source] = view.getInt32(ip + ipv4Layout.source);
      fields[field + recordFields.destination] = view.getInt32(ip + ipv4Layout.destination);
      fields[field + recordFields.length] = length;
      next = (at + (blocks ? view.getInt32(at - blockLengthBefore, little) : size)) | 0;
      ends[count] = next;
      count = (count + 1) | 0;
    }
    fields[count * width] = next;
    return count;
  }

  return {
    fields,
    begin(format) {
      littleEndian = !format.bigEndian;
      type = (linkLayerOf(format.linkType) ?? unknownLayer).fastIpv4;
    },
    read,
    readIndexed,
    ends,
  };
}

/** @param front the first four bytes behind the link layer */
function isOther(size: number, shortest: number, length: number, front: number): boolean {
  return (
    // Both ends of what can be believed in one compare: too small wraps around.
    (size - shortest) >>> 0 > maximumRecordSize - shortest ||
    length >>> 0 > longestPacket ||
    front >>> 24 !== plainIpv4 ||
    // 0 is what a sender with segmentation offload leaves there.
    ((front & 0xffff) - 1) >>> 0 < ipv4Layout.minimumSize - 1
  );
}
