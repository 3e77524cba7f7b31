/**
 * AssemblyScript, for WebAssembly: records that hold plain IPv4 packets, which is what most captures are made of.
 * They are read, told apart, counted, and appended to outputs here, a row at a time. No load or store is checked
 * against the end of anything but by what `plain-row.ts` checks. `src/plain-walk.ts` runs it.
 *
 * All offsets are into one memory: the arena's.
 */

import {
  aimRuns,
  isAimed,
  listsLong,
  longPacket,
  runSize,
  setRuns,
  takeRuns,
} from './append-runs.ts';
import { comparedSize, converse, setConversations } from './conversations.ts';
import { blockLead, setBlocks, setTicks } from './enhanced-block.ts';
import { knownSize, setTables } from './label-of.ts';
import { setByteOrder } from './memory.ts';
import {
  converts,
  endsBehind,
  longestRow,
  readBlocks,
  readIndexed,
  readRow,
  rowSize,
  setConverts,
  setPlain,
  setRow,
  starts,
} from './plain-row.ts';

// What `place` is given begins with sums of all packets. Then comes where the last walk has ended: its last record, where
// the next one would begin, and which runs of the last row could not be appended. `src/plain-walk.ts` looks there.
const lastRecord: usize = 32;
const nextRecord: usize = 36;
const firstRun: usize = 40;
const endOfRuns: usize = 44;
const sumsSize: i32 = 64;
// One run that is put down and not kept, and one so that the counters behind all this are at a multiple of 8.
const runsSize: i32 = (longestRow + 2) * runSize;

let sums: i32 = 0;
/** The last row was of long packets, which are to be listed: so may be the next. */
let isLong: bool = false;
/** Its records did not follow one another at once; their timestamps are to be converted when they are appended. */
let isApart: bool = false;
let isLate: bool = false;

/**
 * @param base of the memory that is this module's own, all zero
 * @param counters of the first label
 * @param tables of labels by address
 * @param isOneWay a conversation ends where the direction changes, too
 * @param othersOutput where packets of no label go, or -1
 * @returns where that memory ends
 */
export function place(
  base: i32,
  counters: i32,
  tables: i32,
  tableCount: i32,
  isOneWay: bool,
  othersOutput: i32,
): i32 {
  sums = base;
  const row = sums + sumsSize;
  const runs = row + rowSize;
  const compared = runs + runsSize;
  const known = compared + comparedSize;
  setRow(row);
  setRuns(runs, endsBehind, othersOutput);
  setTables(known, tables, tableCount);
  setConversations(sums, compared, runs, counters, isOneWay, othersOutput >= 0);
  return known + knownSize;
}

/**
 * What is read next: the 16-bit word at `offset` of a packet, masked, is `value` where an IPv4 header stands
 * at `ip`; `isLittle` are the record headers.
 */
export function begin(isLittle: bool, offset: i32, mask: u32, value: u32, ip: i32): void {
  setByteOrder(isLittle);
  setPlain(offset, mask, value, ip);
}

/**
 * Blocks that are read next are of this interface, and no longer than that, bytes. Where a second has `ticks` (and not
 * 0), they become records: `added` seconds later, with `perSecond` fractions.
 */
export function beginBlocks(id: i32, longest: i32, ticks: i32, added: f64, perSecond: i32): void {
  setBlocks(id, longest);
  setConverts(ticks > 0);
  if (ticks > 0) setTicks(ticks, added, perSecond);
}

/** As `aimRuns` has it. */
export function aim(base: i32, count: i32, row: i32, listLong: bool): void {
  isLong = false;
  isApart = false;
  isLate = false;
  aimRuns(base, count, row, listLong);
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
  const next = load<i32>(starts + count * 4);
  store<i32>(sums, load<i32>(starts + (count - 1) * 4), lastRecord);
  store<i32>(sums, next, nextRecord);
  isLong = listsLong() && next - load<i32>(starts) >= count * longPacket;
}

/**
 * Takes rows of records that follow one another at once, from the one at `at` on, up to the first that is
 * something else, or that ends beyond `limit`, or the row of which a run could not be appended.
 * @returns how many
 */
export function walk(at: i32, limit: i32): i32 {
  let taken = 0;
  for (;;) {
    const count = readRow(at, limit, isLong);
    if (count === 0) break;
    taken += count;
    ended(count);
    at = load<i32>(sums, nextRecord);
    if (!handOn(converse(count, 0, false), false)) break;
  }
  return taken;
}

/**
 * The same for records that have an index: `found` is where the first one's offset stands, of `most`.
 * @param blocks they are in pcapng blocks
 * @param lead bytes in front of each record that go with it
 * @param apart they do not follow one another at once: each has an end of its own
 */
export function walkIndexed(found: i32, most: i32, blocks: bool, lead: i32, apart: bool): i32 {
  let taken = 0;
  while (taken < most) {
    const count = readIndexed(found + taken * 4, most - taken, blocks, isLong);
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
    const count = readBlocks(at, limit, isLong);
    if (count === 0) break;
    taken += count;
    ended(count);
    at = load<i32>(sums, nextRecord) - blockLead;
    if (!handOn(converse(count, converts ? 0 : blockLead, converts), converts, converts)) break;
  }
  return taken;
}
