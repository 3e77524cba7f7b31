/**
 * AssemblyScript, for WebAssembly: rows of records that hold plain IPv4 packets, which is what most captures
 * are made of. They are read, told apart, counted, and appended to outputs here. No load or store is checked
 * against the end of anything but by what this file itself checks. `src/plain-walk.ts` runs it.
 *
 * All offsets are into one memory: the arena's.
 */

import {
  aimRuns,
  fieldSize,
  isAimed,
  listsLong,
  longPacket,
  putRun,
  runSize,
  setRuns,
  takeRuns,
} from './append-runs.ts';
import {
  blockLead,
  convertTicks,
  enhancedLeast,
  enhancedLength,
  setBlocks,
  setTicks,
} from './enhanced-block.ts';
import { keep, setByteOrder, touch, word } from './memory.ts';

/** Records in a row at most: their fields stay in the processor's first cache. */
const longestRow: i32 = 1024;
/**
 * And bytes, but for the last record; more where packets are long. What is then handed on goes into one output slot,
 * of those that are large.
 */
const widest: i32 = 64 * 1024;
const widestOfLong: i32 = 192 * 1024;
/** Longer packets (on the wire) are left to others: they are few, and so a row's sum stays below 2^31. */
const longestPacket: u32 = 1024 * 1024;
/** recordLayout of packet/batch.ts, and the largest record there is. */
const recordHeader: i32 = 16;
const maximumRecordSize: i32 = 16 + 262_144;
/** blockLengthBefore of packet/batch.ts: a block's total length, seen from its record header. */
const blockLengthBefore: i32 = 8;
/** Of an IPv4 header without options. */
const ipHeader: i32 = 20;

/** Of a record: where it is, its two addresses as they lie in memory, its length on the wire. */
const fieldSource: usize = 4;
const fieldDestination: usize = 8;
const fieldLength: usize = 12;
/** Of a table of labels by address: the words of labels/lookup.ts, and where its slots begin. */
const tableMultiplier: usize = 4;
const tableShift: usize = 8;
const tableLast: usize = 12;
const tableSlots: usize = 16;
const tableSize: i32 = 20;

// The layout of the memory that `place` is given. `plain-walk.ts` has the same.
// Sums, 64-bit floats, which grow until somebody sets them to zero: labelled packets first.
const sumOfLabelledBytes: i32 = 8;
const sumOfOthersPackets: i32 = 16;
const sumOfOthersBytes: i32 = 24;
// Where the last walk has ended: its last record, where the next one would begin, and which runs of the last
// row could not be appended.
const lastRecord: usize = 32;
const nextRecord: usize = 36;
const firstRun: usize = 40;
const endOfRuns: usize = 44;
const sumsSize: i32 = 64;
const fieldsSize: i32 = (longestRow + 1) * fieldSize;
const endsSize: i32 = longestRow * 4;
// One that is put down and not kept, and one so that what follows is at a multiple of 8.
const runsSize: i32 = (longestRow + 2) * runSize;

let sums: i32 = 0;
let fields: i32 = 0;
let ends: i32 = 0;
let runs: i32 = 0;
/** Six counters for each label, 64-bit floats, one kind behind the other. */
let outPackets: i32 = 0;
let outBytes: i32 = 0;
let inPackets: i32 = 0;
let inBytes: i32 = 0;
let selfPackets: i32 = 0;
let selfBytes: i32 = 0;
/** A mask: all ones or none. */
let oneWay: i32 = 0;
/** A mask: packets of no label go to an output as well. */
let keepsOthers: i32 = 0;
let tables: i32 = 0;
let tablesEnd: i32 = 0;

/** The last row was of long packets, which are to be listed: so may be the next. */
let isLong: bool = false;
/** Its records did not follow one another at once; their timestamps are to be converted when they are appended. */
let isApart: bool = false;
let isLate: bool = false;
let typeOffset: i32 = 0;
let typeMask: u32 = 0;
let typeValue: u32 = 0;
let ipOffset: i32 = 0;
/** Blocks are to become records, else they are handed on whole. */
let converts: bool = false;

/**
 * @param base of the memory that is this module's own; behind it stand the counters, then the tables
 * @param labels how many there are
 * @param tableCount how many tables there are
 * @param isOneWay a conversation ends where the direction changes, too
 * @param othersOutput where packets of no label go, or -1
 */
export function place(
  base: i32,
  labels: i32,
  tableCount: i32,
  isOneWay: bool,
  othersOutput: i32,
): void {
  sums = base;
  fields = sums + sumsSize;
  ends = fields + fieldsSize;
  runs = ends + endsSize;
  outPackets = runs + runsSize;
  const size = labels * 8;
  outBytes = outPackets + size;
  inPackets = outBytes + size;
  inBytes = inPackets + size;
  selfPackets = inBytes + size;
  selfBytes = selfPackets + size;
  tables = selfBytes + size;
  tablesEnd = tables + tableCount * tableSize;
  oneWay = isOneWay ? -1 : 0;
  keepsOthers = othersOutput >= 0 ? -1 : 0;
  setRuns(runs, fields, ends, othersOutput);
}

/**
 * What is read next: the 16-bit word at `offset` of a packet, masked, is `value` where an IPv4 header stands
 * at `ip`; `isLittle` are the record headers.
 */
export function begin(isLittle: bool, offset: i32, mask: u32, value: u32, ip: i32): void {
  setByteOrder(isLittle);
  typeOffset = recordHeader + offset;
  typeMask = bswap<u16>(<u16>mask);
  typeValue = bswap<u16>(<u16>value);
  ipOffset = recordHeader + ip;
}

/**
 * Blocks that are read next are of this interface, and no longer than that, bytes. Where a second has `ticks` (and not
 * 0), they become records: `added` seconds later, with `perSecond` fractions.
 */
export function beginBlocks(id: i32, longest: i32, ticks: i32, added: f64, perSecond: i32): void {
  setBlocks(id, longest);
  converts = ticks > 0;
  if (converts) setTicks(ticks, added, perSecond);
}

/** As `aimRuns` has it. */
export function aim(base: i32, count: i32, row: i32, listLong: bool): void {
  isLong = false;
  isApart = false;
  isLate = false;
  aimRuns(base, count, row, listLong);
}

/** Whether the record at `at` holds a packet that is something else. */
@inline
function isOther(at: i32, size: i32, length: i32): bool {
  const shortest = ipOffset + ipHeader;
  const front = load<u32>(at + ipOffset);
  // 0 is what a sender with segmentation offload leaves there.
  const total = ((front >> 24) | ((front >> 8) & 0xff00)) - 1;
  return (
    // Both ends of what can be believed in one compare: too small wraps around.
    <u32>(size - shortest) > <u32>(maximumRecordSize - shortest) ||
    <u32>length > longestPacket ||
    // Version 4, a header of five words.
    (front & 0xff) !== 0x45 ||
    (total & 0xffff) < <u32>(ipHeader - 1) ||
    ((<u32>load<u16>(at + typeOffset)) & typeMask) !== typeValue
  );
}

@inline
function keepFields(field: i32, at: i32, length: i32): void {
  store<i32>(field, at);
  store<i64>(field, load<i64>(at + ipOffset + 12), fieldSource);
  store<i32>(field, length, fieldLength);
}

/**
 * Reads records that follow one another at once, from the one at `at` on, up to the first that is something
 * else, or that ends beyond `limit`.
 */
@inline
function read(at: i32, limit: i32): i32 {
  const last = min(limit - ipOffset - ipHeader, at + (isLong ? widestOfLong : widest));
  let field = fields;
  const full = fields + longestRow * fieldSize;
  let touched = 0;
  // No branch here could go either way, which lets the processor fetch ahead.
  while (at <= last && field < full) {
    const size = recordHeader + word(at + 8);
    const length = word(at + 12);
    if (isOther(at, size, length) || at + size > limit) break;
    keepFields(field, at, length);
    touched |= touch(at);
    field += fieldSize;
    at += size;
  }
  store<i32>(field, at);
  keep(touched);
  return (field - fields) / fieldSize;
}

/**
 * The same for records that have an index: `starts` is where the first one's offset stands, of `most`.
 * @param blocks they are in pcapng blocks, and the row ends where something lies between two
 */
@inline
function readIndexed(starts: i32, most: i32, blocks: bool): i32 {
  const first = load<i32>(starts);
  const last = first + (isLong ? widestOfLong : widest);
  const full = fields + min(longestRow, most) * fieldSize;
  let next = first;
  let field = fields;
  let end = ends;
  while (field < full) {
    const at = load<i32>(starts);
    if (at > last || (blocks && at !== next)) break;
    const size = recordHeader + word(at + 8);
    const length = word(at + 12);
    if (isOther(at, size, length)) break;
    keepFields(field, at, length);
    next = at + (blocks ? word(at - blockLengthBefore) : size);
    store<i32>(end, next);
    field += fieldSize;
    end += 4;
    starts += 4;
  }
  store<i32>(field, next);
  return (field - fields) / fieldSize;
}

/**
 * The same for pcapng blocks that follow one another at once, of which no index was made: up to the first that
 * is no Enhanced Packet Block, or has a fault.
 */
@inline
function readBlocks(at: i32, limit: i32): i32 {
  const last = limit - enhancedLeast;
  const lastOfRow = min(last, at + (isLong ? widestOfLong : widest));
  let field = fields;
  let end = ends;
  const full = fields + longestRow * fieldSize;
  // Appended ones are converted where they are then: most are nobody's, and input that is written to comes dearer.
  const waits = isAimed();
  let touched = 0;
  while (at <= lastOfRow && field < full) {
    const total = enhancedLength(at, last);
    const record = at + blockLead;
    const length = word(record + 12);
    if (total === 0 || isOther(record, recordHeader + word(record + 8), length)) break;
    if (converts) {
      if (!waits) convertTicks(record);
      store<i32>(end, record + recordHeader + word(record + 8));
      end += 4;
    }
    keepFields(field, record, length);
    touched |= touch(at);
    field += fieldSize;
    at += total;
  }
  store<i32>(field, at + blockLead);
  keep(touched);
  return (field - fields) / fieldSize;
}

@inline
function sum(which: i32, amount: i32): void {
  const at = sums + which;
  store<f64>(at, load<f64>(at) + <f64>amount);
}

@inline
function add(counter: i32, label: i32, amount: i32): void {
  const at = counter + label * 8;
  store<f64>(at, load<f64>(at) + <f64>amount);
}

/** The label of an address as it lies in memory, or -1. */
@inline
function labelOf(raw: i32): i32 {
  const address = bswap<i32>(raw);
  for (let table = tables; table < tablesEnd; table += tableSize) {
    const key = address & load<i32>(table);
    const slots = load<i32>(table, tableSlots);
    const last = load<i32>(table, tableLast);
    let slot = (key * load<i32>(table, tableMultiplier)) >>> load<i32>(table, tableShift);
    for (;;) {
      const at = slots + slot * 8;
      const label = load<i32>(at, 4);
      if (label === 0) break;
      if (load<i32>(at) === key) return label - 1;
      slot = (slot + 1) & last;
    }
  }
  return -1;
}

/**
 * Counts the `count` records that were read last. A conversation goes on for as long as the two addresses
 * stay the same, either way round: labels are looked up and counted once for each. The direction is told
 * without a branch, since no processor can predict it.
 * @param lead bytes in front of each record that go with it
 * @param apart records do not follow one another at once: of runs it is said where their fields are
 * @returns how many runs there are: of no label only where those go to an output
 */
function converse(count: i32, lead: i32, apart: bool): i32 {
  const end = fields + count * fieldSize;
  const isOneWay = oneWay;
  const othersKept = keepsOthers;
  let run = runs;
  let labelledPackets = 0;
  let labelledBytes = 0;
  let allBytes = 0;
  for (let at = fields; at < end;) {
    const first = at;
    const opener = load<i32>(at, fieldSource);
    const peer = load<i32>(at, fieldDestination);
    // The smaller address first, whoever speaks first, without a branch: what is then done for the two
    // ends goes the same ways more often. The lowest bit is lost, which makes no wrong answer.
    const swap = (((peer >>> 1) - (opener >>> 1)) >> 31) & ~isOneWay & (opener ^ peer);
    const source = opener ^ swap;
    const destination = peer ^ swap;
    // What a packet the other way differs by, in both addresses; one-way, none may differ.
    const swapped = (source ^ destination) & ~isOneWay;
    let bytes = 0;
    let backPackets = 0;
    let backBytes = 0;
    for (; at < end; at += fieldSize) {
      const unlikeSource = load<i32>(at, fieldSource) ^ source;
      const unlikeDestination = load<i32>(at, fieldDestination) ^ destination;
      // A mask: all ones for the way back, else zero.
      const back = (unlikeSource | -unlikeSource) >> 31;
      if (((unlikeSource ^ (swapped & back)) | (unlikeSource ^ unlikeDestination)) !== 0) break;
      const length = load<i32>(at, fieldLength);
      bytes += length;
      backPackets -= back;
      backBytes += length & back;
    }
    const packets = (at - first) / fieldSize;
    const from = labelOf(source);
    const to = labelOf(destination);
    // Masks again.
    const labelled = ~((from & to) >> 31);
    allBytes += bytes;
    labelledPackets += packets & labelled;
    labelledBytes += bytes & labelled;
    if (from >= 0) {
      add(outPackets, from, packets - backPackets);
      add(outBytes, from, bytes - backBytes);
      add(inPackets, from, backPackets);
      add(inBytes, from, backBytes);
    }
    if (to >= 0) {
      add(outPackets, to, backPackets);
      add(outBytes, to, backBytes);
      add(inPackets, to, packets - backPackets);
      add(inBytes, to, bytes - backBytes);
    }
    if (from === to && from >= 0) {
      add(selfPackets, from, packets);
      add(selfBytes, from, bytes);
    }
    const start = apart ? first : load<i32>(first) - lead;
    putRun(run, from, to, start, apart ? at : load<i32>(at) - lead, packets);
    run += runSize & (labelled | othersKept);
  }
  sum(0, labelledPackets);
  sum(sumOfLabelledBytes, labelledBytes);
  sum(sumOfOthersPackets, count - labelledPackets);
  sum(sumOfOthersBytes, allBytes - labelledBytes);
  return (run - runs) / runSize;
}

/**
 * Goes on with the runs of the last row, or with those that somebody else has put down.
 * @returns the first that there is no room for, or `end`
 */
export function appendRuns(first: i32, end: i32): i32 {
  return takeRuns(first, end, isLong, isApart, isLate);
}

/**
 * False when some of a row's runs are left, for want of room.
 * @param late timestamps are still to be converted
 */
@inline
function handOn(end: i32, apart: bool, late: bool = false): bool {
  isApart = apart;
  isLate = late;
  const first = isAimed() ? takeRuns(0, end, isLong, apart, late) : 0;
  store<i32>(sums, first, firstRun);
  store<i32>(sums, end, endOfRuns);
  return first === end;
}

@inline
function ended(count: i32): void {
  store<i32>(sums, load<i32>(fields + (count - 1) * fieldSize), lastRecord);
  const next = load<i32>(fields + count * fieldSize);
  store<i32>(sums, next, nextRecord);
  isLong = listsLong() && next - load<i32>(fields) >= count * longPacket;
}

/**
 * Takes rows of records that follow one another at once, from the one at `at` on, up to the first that is
 * something else, or that ends beyond `limit`, or the row of which a run could not be appended.
 * @returns how many
 */
export function walk(at: i32, limit: i32): i32 {
  let taken = 0;
  for (;;) {
    const count = read(at, limit);
    if (count === 0) break;
    taken += count;
    ended(count);
    at = load<i32>(sums, nextRecord);
    if (!handOn(converse(count, 0, false), false)) break;
  }
  return taken;
}

/**
 * The same for records that have an index: `starts` is where the first one's offset stands, of `most`.
 * @param blocks they are in pcapng blocks
 * @param lead bytes in front of each record that go with it
 * @param apart they do not follow one another at once: each has an end of its own
 */
export function walkIndexed(starts: i32, most: i32, blocks: bool, lead: i32, apart: bool): i32 {
  let taken = 0;
  while (taken < most) {
    const count = readIndexed(starts + taken * 4, most - taken, blocks);
    if (count === 0) break;
    taken += count;
    ended(count);
    if (!handOn(converse(count, lead, apart), apart)) break;
  }
  return taken;
}

/** The same for pcapng blocks from `at` on; the next record is where one would be in the next block. */
export function walkBlocks(at: i32, limit: i32): i32 {
  let taken = 0;
  for (;;) {
    const count = readBlocks(at, limit);
    if (count === 0) break;
    taken += count;
    ended(count);
    at = load<i32>(sums, nextRecord) - blockLead;
    if (!handOn(converse(count, converts ? 0 : blockLead, converts), converts, converts)) break;
  }
  return taken;
}
