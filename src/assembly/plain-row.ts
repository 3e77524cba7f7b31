/**
 * AssemblyScript: a row of neighbouring records that hold plain IPv4 packets, field by field, and how it is read. No load
 * is checked against the end of anything but by what this file itself checks.
 */

import { isAimed } from './append-runs.ts';
import { blockLead, convertTicks, enhancedLeast, enhancedLength } from './enhanced-block.ts';
import { isLittle, keep, touch, wordOf } from './memory.ts';

/** Records in a row at most, a multiple of four: their fields stay in the processor's first cache. */
export const longestRow: i32 = 1024;
/**
 * And bytes, but for the last record; more where packets are long. What is then handed on goes into one output slot,
 * of those that are large.
 */
const widest: i32 = 64 * 1024;
const widestOfLong: i32 = 192 * 1024;
/** Longer packets (on the wire) are left to others: they are few, and so a row's sum stays below 2^31. */
const longestPacket: i32 = 1024 * 1024;
/** recordLayout of packet/batch.ts, and the largest record there is. */
const recordHeader: i32 = 16;
const maximumRecordSize: i32 = 16 + 262_144;
/** blockLengthBefore of packet/batch.ts: a block's total length, seen from its record header. */
const blockLengthBefore: i32 = 8;
/** Of an IPv4 header without options, and of the least total length that is none. */
const ipHeader: i32 = 20;

/**
 * Of each record where it begins, its length on the wire, and, where records do not follow one another at once, where it
 * ends: 32-bit words side by side. Behind the last record's beginning stands where the next one would be.
 */
export let starts: i32 = 0;
const columnSize: i32 = (longestRow + 2) * 4;
const lengthsBehind: usize = columnSize;
export const endsBehind: usize = columnSize * 2;
/** Source and destination, as they lie in memory. */
export let pairs: i32 = 0;
export const rowSize: i32 = columnSize * 3 + longestRow * 8;

let typeOffset: i32 = 0;
let typeMask: i32 = 0;
let typeValue: i32 = 0;
let ipOffset: i32 = 0;
/** Blocks are to become records, else they are handed on whole. */
export let converts: bool = false;

/** Where the row is to be: `rowSize` bytes. */
export function setRow(base: i32): void {
  starts = base;
  pairs = base + columnSize * 3;
}

/** The 16-bit word at `offset` of a packet, masked, is `value` where an IPv4 header stands at `ip`. */
export function setPlain(offset: i32, mask: u32, value: u32, ip: i32): void {
  typeOffset = recordHeader + offset;
  typeMask = bswap<u16>(<u16>mask);
  typeValue = bswap<u16>(<u16>value);
  ipOffset = recordHeader + ip;
}

export function setConverts(isConverted: bool): void {
  converts = isConverted;
}

@inline
export function lengthsAt(start: i32): v128 {
  return v128.load(start, lengthsBehind);
}

/**
 * Whether the record at `at` holds a plain IPv4 packet. Nothing here is a branch of its own: whatever is wrong
 * becomes a bit of the answer.
 * @param size of the record, as it says
 * @param room bytes there are
 */
@inline
function isPlain(at: i32, size: i32, length: i32, room: i32): bool {
  const ip = ipOffset;
  const front = load<i32>(at + ip);
  // Negative where any of them is; a size that has wrapped around is caught by one of the first two.
  const ranges =
    (size - ip - ipHeader) |
    (maximumRecordSize - size) |
    (room - size) |
    length |
    (longestPacket - length);
  // Version 4, a header of five words.
  const version = (front ^ 0x45) & 0xff;
  const type = (load<u16>(at + typeOffset) & typeMask) ^ typeValue;
  // The total length, its upper byte uppermost. 0 is what a sender with segmentation offload leaves there.
  const total = rotl<i32>(front & 0xffff0000, 8);
  const isShort = <i32>(<u32>(total - 1) < <u32>(ipHeader - 1));
  return ((ranges & 0x8000_0000) | version | type | isShort) === 0;
}

@inline
function put(start: i32, pair: i32, at: i32, length: i32): void {
  store<i32>(start, at);
  store<i32>(start, length, lengthsBehind);
  store<i64>(pair, load<i64>(at + ipOffset + 12));
}

@inline
function width(isLong: bool): i32 {
  return isLong ? widestOfLong : widest;
}

/**
 * Reads records that follow one another at once, from the one at `at` on, up to the first that is something
 * else, or that ends beyond `limit`.
 * @param isLong they may be many bytes
 * @returns how many
 */
@inline
export function readRow(at: i32, limit: i32, isLong: bool): i32 {
  return isLittle() ? readIn(at, limit, isLong, true) : readIn(at, limit, isLong, false);
}

@inline
function readIn(at: i32, limit: i32, isLong: bool, isLittle: bool): i32 {
  const last = min(limit - ipOffset - ipHeader, at + width(isLong));
  let start = starts;
  let pair = pairs;
  const full = start + longestRow * 4;
  let touched = 0;
  // No branch here could go either way, which lets the processor fetch ahead.
  while (at <= last && start < full) {
    const size = recordHeader + wordOf(at + 8, isLittle);
    const length = wordOf(at + 12, isLittle);
    if (!isPlain(at, size, length, limit - at)) break;
    put(start, pair, at, length);
    touched |= touch(at);
    start += 4;
    pair += 8;
    at += size;
  }
  store<i32>(start, at);
  keep(touched);
  return (start - starts) / 4;
}

/**
 * The same for records that have an index: `found` is where the first one's offset stands, of `most`.
 * @param blocks they are in pcapng blocks, and the row ends where something lies between two
 */
@inline
export function readIndexed(found: i32, most: i32, blocks: bool, isLong: bool): i32 {
  return isLittle()
    ? readIndexedIn(found, most, blocks, isLong, true)
    : readIndexedIn(found, most, blocks, isLong, false);
}

@inline
function readIndexedIn(found: i32, most: i32, blocks: bool, isLong: bool, isLittle: bool): i32 {
  const first = load<i32>(found);
  const last = first + width(isLong);
  let start = starts;
  let pair = pairs;
  const full = start + min(longestRow, most) * 4;
  let next = first;
  while (start < full) {
    const at = load<i32>(found);
    if (at > last || (blocks && at !== next)) break;
    const size = recordHeader + wordOf(at + 8, isLittle);
    const length = wordOf(at + 12, isLittle);
    if (!isPlain(at, size, length, size)) break;
    put(start, pair, at, length);
    next = at + (blocks ? wordOf(at - blockLengthBefore, isLittle) : size);
    store<i32>(start, next, endsBehind);
    start += 4;
    pair += 8;
    found += 4;
  }
  store<i32>(start, next);
  return (start - starts) / 4;
}

/**
 * The same for pcapng blocks that follow one another at once, of which no index was made: up to the first that
 * is no Enhanced Packet Block, or has a fault.
 */
@inline
export function readBlocks(at: i32, limit: i32, isLong: bool): i32 {
  return isLittle() ? readBlocksIn(at, limit, isLong, true) : readBlocksIn(at, limit, isLong, false);
}

@inline
function readBlocksIn(at: i32, limit: i32, isLong: bool, isLittle: bool): i32 {
  const last = limit - enhancedLeast;
  const lastOfRow = min(last, at + width(isLong));
  let start = starts;
  let pair = pairs;
  const full = start + longestRow * 4;
  // Appended ones are converted where they are then: most are nobody's, and input that is written to comes dearer.
  const isConverted = converts;
  const convertsNow = isConverted && !isAimed();
  let touched = 0;
  while (at <= lastOfRow && start < full) {
    const total = enhancedLength(at, last, isLittle);
    const record = at + blockLead;
    const size = recordHeader + wordOf(record + 8, isLittle);
    const length = wordOf(record + 12, isLittle);
    if (total === 0 || !isPlain(record, size, length, size)) break;
    if (convertsNow) convertTicks(record);
    if (isConverted) store<i32>(start, record + size, endsBehind);
    put(start, pair, record, length);
    touched |= touch(at);
    start += 4;
    pair += 8;
    at += total;
  }
  store<i32>(start, at + blockLead);
  keep(touched);
  return (start - starts) / 4;
}
