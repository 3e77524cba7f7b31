/**
 * AssemblyScript, for WebAssembly: rows of records that hold plain IPv4 packets, which is what most captures
 * are made of. Read, told apart, counted and joined here, in a third of the time that JavaScript takes: no
 * load is checked against the end of anything but by what this file itself checks. `plain-walk.ts` above
 * this folder runs it, and says what is asked of it.
 *
 * All offsets are into one memory: the arena's.
 */

/** Records in a row at most: their fields stay in the processor's first cache. */
const longestRow: i32 = 1024;
/** And bytes, but for the last record: what is then handed on goes into one output slot. */
const widestRow: i32 = 64 * 1024;
/** Longer packets (on the wire) are left to others: they are few, and so a row's sum stays below 2^31. */
const longestPacket: u32 = 1024 * 1024;
/** recordLayout of packet/batch.ts, and the largest record there is. */
const recordHeader: i32 = 16;
const maximumRecordSize: i32 = 16 + 262_144;
/** blockLengthBefore of packet/batch.ts: a block's total length, seen from its record header. */
const blockLengthBefore: i32 = 8;
/** Of an IPv4 header without options. */
const ipHeader: i32 = 20;
/** Pairs of addresses whose labels are remembered: a power of two. More of them are looked up again. */
const remembered: i32 = 1024;

/** Of a record: where it is, its two addresses as they lie in memory, its length on the wire. */
const fieldSource: usize = 4;
const fieldDestination: usize = 8;
const fieldLength: usize = 12;
const fieldSize: i32 = 16;
/** Of a pair: two addresses, and their labels. */
const pairDestination: usize = 4;
const pairFrom: usize = 8;
const pairTo: usize = 12;
const pairSize: i32 = 16;
/** Of a run: two labels, where it begins and ends, how many packets. */
const runTo: usize = 4;
const runStart: usize = 8;
const runEnd: usize = 12;
const runPackets: usize = 16;
const runSize: i32 = 20;

// The layout of the memory that `place` is given. `plain-walk.ts` has the same.
const sumsSize: i32 = 64;
const fieldsSize: i32 = (longestRow + 1) * fieldSize;
const endsSize: i32 = longestRow * 4;
const runsSize: i32 = longestRow * runSize;
const pairsSize: i32 = remembered * pairSize;

let sums: i32 = 0;
let fields: i32 = 0;
let ends: i32 = 0;
let runs: i32 = 0;
let pairs: i32 = 0;
/** Six counters for each label, 64-bit floats, one kind behind the other. */
let outPackets: i32 = 0;
let outBytes: i32 = 0;
let inPackets: i32 = 0;
let inBytes: i32 = 0;
let selfPackets: i32 = 0;
let selfBytes: i32 = 0;
/** A mask: all ones or none. */
let oneWay: i32 = 0;
let keepOthers: bool = false;

let little: bool = true;
let typeOffset: i32 = 0;
let typeMask: u32 = 0;
let typeValue: u32 = 0;
let ipOffset: i32 = 0;

/** The label of an address in network order, or -1. */
@external('labels', 'v4')
declare function lookup(address: i32): i32;

export function place(base: i32, labels: i32, isOneWay: bool, isKept: bool): void {
  sums = base;
  fields = sums + sumsSize;
  ends = fields + fieldsSize;
  runs = ends + endsSize;
  pairs = runs + runsSize;
  outPackets = pairs + pairsSize;
  const size = labels * 8;
  outBytes = outPackets + size;
  inPackets = outBytes + size;
  inBytes = inPackets + size;
  selfPackets = inBytes + size;
  selfBytes = selfPackets + size;
  oneWay = isOneWay ? -1 : 0;
  keepOthers = isKept;
  // What stands in an empty entry is true of 0.0.0.0.
  const zero = lookup(0);
  for (let at = pairs; at < outPackets; at += pairSize) {
    store<i64>(at, 0);
    store<i32>(at, zero, pairFrom);
    store<i32>(at, zero, pairTo);
  }
}

/**
 * What is read next: the 16-bit word at `offset` of a packet, masked, is `value` where an IPv4 header stands
 * at `ip`; `isLittle` are the record headers.
 */
export function begin(isLittle: bool, offset: i32, mask: u32, value: u32, ip: i32): void {
  little = isLittle;
  typeOffset = recordHeader + offset;
  typeMask = bswap<u16>(<u16>mask);
  typeValue = bswap<u16>(<u16>value);
  ipOffset = recordHeader + ip;
}

/** A field of a record header. */
@inline
function word(at: i32): i32 {
  const value = load<i32>(at);
  return little ? value : bswap<i32>(value);
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
    (<u32>load<u16>(at + typeOffset) & typeMask) !== typeValue
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
export function read(at: i32, limit: i32): i32 {
  const last = min(limit - ipOffset - ipHeader, at + widestRow);
  let field = fields;
  const full = fields + longestRow * fieldSize;
  // No branch here could go either way, which lets the processor fetch ahead.
  while (at <= last && field < full) {
    const size = recordHeader + word(at + 8);
    const length = word(at + 12);
    if (isOther(at, size, length) || at + size > limit) break;
    keepFields(field, at, length);
    field += fieldSize;
    at += size;
  }
  store<i32>(field, at);
  return (field - fields) / fieldSize;
}

/**
 * The same for records that have an index: `starts` is where the first one's offset stands, of `most`.
 * @param blocks they are in pcapng blocks, and the row ends where something lies between two
 */
export function readIndexed(starts: i32, most: i32, blocks: bool): i32 {
  const first = load<i32>(starts);
  const last = first + widestRow;
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

@inline
function add(counter: i32, label: i32, amount: i32): void {
  const at = counter + label * 8;
  store<f64>(at, load<f64>(at) + <f64>amount);
}

/** Where the labels of a pair stand, which is looked up if it is not remembered. */
@inline
function pairOf(source: i32, destination: i32): i32 {
  // Multiplicative hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4).
  const hash = (source * 0x9e3779b1) ^ (destination * 0x85ebca6b);
  const pair = pairs + ((hash >>> 16) & (remembered - 1)) * pairSize;
  if (load<i32>(pair) !== source || load<i32>(pair, pairDestination) !== destination) {
    store<i32>(pair, source);
    store<i32>(pair, destination, pairDestination);
    store<i32>(pair, lookup(bswap<i32>(source)), pairFrom);
    store<i32>(pair, lookup(bswap<i32>(destination)), pairTo);
  }
  return pair;
}

/**
 * Counts the `count` records that were read last. A conversation goes on for as long as the two addresses
 * stay the same, either way round: labels are looked up and counted once for each. The direction is told
 * without a branch, since no processor can predict it.
 * @param lead bytes in front of each record that go with it
 * @param apart records do not follow one another at once: each has an end of its own
 * @returns how many runs there are: neighbours with the same labels, those of no label left out unless they
 *   are kept
 */
export function converse(count: i32, lead: i32, apart: bool): i32 {
  const end = fields + count * fieldSize;
  let run = runs - runSize;
  let labelledPackets = 0;
  let labelledBytes = 0;
  let othersPackets = 0;
  let othersBytes = 0;
  for (let at = fields; at < end; ) {
    const first = at;
    const opener = load<i32>(at, fieldSource);
    const peer = load<i32>(at, fieldDestination);
    // The smaller address first, whoever speaks first, without a branch: what is then done for the two
    // ends goes the same ways more often. The lowest bit is lost, which makes no wrong answer.
    const swap = (((peer >>> 1) - (opener >>> 1)) >> 31) & ~oneWay & (opener ^ peer);
    const source = opener ^ swap;
    const destination = peer ^ swap;
    // What a packet the other way differs by, in both addresses; one-way, none may differ.
    const swapped = (source ^ destination) & ~oneWay;
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
    const pair = pairOf(source, destination);
    let from = load<i32>(pair, pairFrom);
    let to = load<i32>(pair, pairTo);
    const isOthers = (from & to) < 0;
    if (isOthers) {
      othersPackets += packets;
      othersBytes += bytes;
      if (!keepOthers) continue;
    } else {
      labelledPackets += packets;
      labelledBytes += bytes;
      if (from >= 0) {
        add(outPackets, from, packets - backPackets);
        add(outBytes, from, bytes - backBytes);
        add(inPackets, from, backPackets);
        add(inBytes, from, backBytes);
        if (from === to) {
          add(selfPackets, from, packets);
          add(selfBytes, from, bytes);
        }
      }
      if (to >= 0) {
        add(outPackets, to, backPackets);
        add(outBytes, to, backBytes);
        add(inPackets, to, packets - backPackets);
        add(inBytes, to, bytes - backBytes);
      }
    }
    if (oneWay === 0 && from < 0) {
      // Which of the two it was makes no difference any more.
      from = to;
      to = -1;
    }
    if (apart) {
      for (let one = first; one < at; one += fieldSize) {
        const stop = load<i32>(ends + (one - fields) / 4);
        run = addRun(run, from, to, load<i32>(one), stop, 1);
      }
    } else run = addRun(run, from, to, load<i32>(first) - lead, load<i32>(at) - lead, packets);
  }
  store<i32>(sums, labelledPackets);
  store<i32>(sums, labelledBytes, 4);
  store<i32>(sums, othersPackets, 8);
  store<i32>(sums, othersBytes, 12);
  return (run - runs) / runSize + 1;
}

/** @param run the last one, which is made longer where it can be; below `runs` is none. @returns the last one */
@inline
function addRun(run: i32, from: i32, to: i32, start: i32, end: i32, packets: i32): i32 {
  if (
    run >= runs &&
    load<i32>(run, runEnd) === start &&
    load<i32>(run) === from &&
    load<i32>(run, runTo) === to
  ) {
    store<i32>(run, end, runEnd);
    store<i32>(run, load<i32>(run, runPackets) + packets, runPackets);
    return run;
  }
  run += runSize;
  store<i32>(run, from);
  store<i32>(run, to, runTo);
  store<i32>(run, start, runStart);
  store<i32>(run, end, runEnd);
  store<i32>(run, packets, runPackets);
  return run;
}

/** Copies `size` bytes, 16 at least, to a place that does not overlap: runs are short, and a call costs more. */
export function copy(to: i32, from: i32, size: i32): void {
  if (size > 4096) {
    memory.copy(to, from, size);
    return;
  }
  const last = size - 16;
  for (let at = 0; at < last; at += 16) v128.store(to + at, v128.load(from + at));
  v128.store(to + last, v128.load(from + last));
}
