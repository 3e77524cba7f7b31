/**
 * AssemblyScript: runs, which a walk puts down one behind the other, and how they get to their outputs: copied to
 * where the output's next records go, or listed for whoever writes them from where they lie.
 */

import { convertTicks } from './enhanced-block.ts';

/**
 * Of a run: two labels, where it begins and ends, how many packets. Of records that do not follow one another at once: where
 * the word stands that says where the first one begins, and where those words end.
 */
const runTo: usize = 4;
const runStart: usize = 8;
const runEnd: usize = 12;
const runPackets: usize = 16;
export const runSize: i32 = 20;

/** Bytes that a run has at least, to be worth a part of a writev(2) of its own, and its packets in the mean. */
const longRun: i32 = 8 * 1024;
export const longPacket: i32 = 1024;

/** Bytes that `copyShort` copies. */
const shortRun: i32 = 160;

/** The list of packet/cursors.ts: how many there are, then five words for each. */
const mostListed: i32 = 1024;
const listedCursor: usize = 4;
const listedAt: usize = 8;
const listedStart: usize = 12;
const listedEnd: usize = 16;
const listedPackets: usize = 20;
const listedSize: i32 = 20;

let runs: i32 = 0;
/** Of records that are apart: behind a word that says where one begins, so many bytes, stands where it ends. */
let endsBehind: usize = 0;
/** The output of packets of no label, or -1. */
let others: i32 = -1;

let packetsAt: i32 = 0;
let nextAt: i32 = 0;
let limitAt: i32 = 0;
let usedAt: i32 = 0;
let busyAt: i32 = 0;
let listAt: i32 = 0;
let firstCursor: i32 = 0;
let appends: bool = false;
let listing: bool = false;

/** Where runs stand, how far behind its beginning it is said where a record ends, and where those of no label go. */
export function setRuns(base: i32, ends: usize, othersOutput: i32): void {
  runs = base;
  endsBehind = ends;
  others = othersOutput;
}

@inline
export function putRun(
  run: i32,
  from: i32,
  to: i32,
  start: i32,
  end: i32,
  packets: i32,
): void {
  store<i32>(run, from);
  store<i32>(run, to, runTo);
  store<i32>(run, start, runStart);
  store<i32>(run, end, runEnd);
  store<i32>(run, packets, runPackets);
}

/**
 * Where the `count` cursors are (packet/cursors.ts), and which of them is the first output's; none: runs are left.
 * @param listLong those of long packets are listed, where most packets are
 */
export function aimRuns(base: i32, count: i32, row: i32, listLong: bool): void {
  appends = count > 0;
  listing = appends && listLong;
  packetsAt = base + row * 8;
  nextAt = base + count * 8 + row * 4;
  limitAt = base + count * 12 + row * 4;
  usedAt = base + count * 16 + row;
  busyAt = base + count * 17 + row;
  listAt = (base + count * 18 + 3) & ~3;
  firstCursor = row;
}

/** Whether runs are appended here at all. */
@inline
export function isAimed(): bool {
  return appends;
}

@inline
export function listsLong(): bool {
  return listing;
}

@inline
function hasRoom(output: i32, size: i32): bool {
  return load<i32>(nextAt + output * 4) + size <= load<i32>(limitAt + output * 4);
}

@inline
function append(output: i32, start: i32, size: i32, packets: i32, late: bool): void {
  const to = load<i32>(nextAt + output * 4);
  if (size <= shortRun && to + shortRun <= load<i32>(limitAt + output * 4)) copyShort(to, start);
  else copy(to, start, size);
  if (late) convertTicks(to);
  store<i32>(nextAt + output * 4, to + size);
  const counter = packetsAt + output * 8;
  store<f64>(counter, load<f64>(counter) + <f64>packets);
  store<u8>(usedAt + output, 1);
}

/** Whether the run is to be listed: worth it, and possible. */
@inline
function isListed(output: i32, size: i32, packets: i32): bool {
  return (
    size >= longRun &&
    size >= packets * longPacket &&
    load<u8>(busyAt + output) === 0 &&
    load<i32>(listAt) < mostListed
  );
}

@inline
function list(output: i32, start: i32, size: i32, packets: i32): void {
  const count = load<i32>(listAt);
  const at = listAt + count * listedSize;
  store<i32>(at, firstCursor + output, listedCursor);
  store<i32>(at, load<i32>(nextAt + output * 4), listedAt);
  store<i32>(at, start, listedStart);
  store<i32>(at, start + size, listedEnd);
  store<i32>(at, packets, listedPackets);
  store<i32>(listAt, count + 1);
}

/** False where there is no room: then its timestamp is converted all the same. */
@inline
function take(
  one: i32,
  other: i32,
  start: i32,
  size: i32,
  packets: i32,
  long: bool,
  late: bool,
): bool {
  if (long && other < 0 && isListed(one, size, packets)) {
    if (late) convertTicks(start);
    list(one, start, size, packets);
    return true;
  }
  if (!hasRoom(one, size) || (other >= 0 && !hasRoom(other, size))) {
    if (late) convertTicks(start);
    return false;
  }
  append(one, start, size, packets, late);
  if (other >= 0) append(other, start, size, packets, late);
  return true;
}

/** The same for the records of a run that are apart: those that are taken are in it no more. */
@inline
function takeEach(run: i32, one: i32, other: i32, long: bool, late: bool): bool {
  const last = load<i32>(run, runEnd);
  for (let word = load<i32>(run, runStart); word < last; word += 4) {
    const start = load<i32>(word);
    const end = load<i32>(word + <i32>endsBehind);
    if (take(one, other, start, end - start, 1, long, late)) continue;
    store<i32>(run, word, runStart);
    return false;
  }
  return true;
}

/**
 * Takes runs from number `first` to before `end` to their outputs, as far as there is room.
 * @param long the packets of their row are, in the mean: runs may be listed
 * @param apart their records do not follow one another at once
 * @param late and their timestamps are to be converted
 * @returns the first that there is no room for, or `end`
 */
export function takeRuns(first: i32, end: i32, long: bool, apart: bool, late: bool): i32 {
  for (let number = first; number < end; number++) {
    const run = runs + number * runSize;
    const from = load<i32>(run);
    const to = load<i32>(run, runTo);
    const one = from >= 0 ? from : to >= 0 ? to : others;
    const other = from >= 0 && from !== to ? to : -1;
    if (apart) {
      if (!takeEach(run, one, other, long, late)) return number;
    } else {
      const start = load<i32>(run, runStart);
      const size = load<i32>(run, runEnd) - start;
      const packets = load<i32>(run, runPackets);
      if (!take(one, other, start, size, packets, long, false)) return number;
    }
  }
  return end;
}

/**
 * Copies 160 bytes of a run that has as many at most; what is too much, the next run is put upon. There must be room for
 * all of them. No branch depends on how long the run is.
 */
@inline
function copyShort(to: i32, from: i32): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  v128.store(to, v128.load(from, 32), 32);
  v128.store(to, v128.load(from, 48), 48);
  v128.store(to, v128.load(from, 64), 64);
  v128.store(to, v128.load(from, 80), 80);
  v128.store(to, v128.load(from, 96), 96);
  v128.store(to, v128.load(from, 112), 112);
  v128.store(to, v128.load(from, 128), 128);
  v128.store(to, v128.load(from, 144), 144);
}

/** Copies `size` bytes, 16 at least, to a place that does not overlap: runs are short, and a call costs more. */
function copy(to: i32, from: i32, size: i32): void {
  if (size > 4096) {
    memory.copy(to, from, size);
    return;
  }
  const last = size - 16;
  for (let at = 0; at < last; at += 16) v128.store(to + at, v128.load(from + at));
  v128.store(to + last, v128.load(from + last));
}
