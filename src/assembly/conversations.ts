/**
 * AssemblyScript: tells a row's records apart and counts them, a conversation at a time. One goes on for as long as the
 * two addresses stay the same, either way round.
 */

import { putRun, runSize } from './append-runs.ts';
import { findPair, labelOfFirst, labelOfSecond } from './label-of.ts';
import { lengthsAt, longestRow, pairs, starts } from './plain-row.ts';

/** Of all packets: pairs of 64-bit floats, packets and bytes, which grow until somebody sets them to zero. */
const labelledSum: i32 = 0;
const othersSum: i32 = 16;

/**
 * Of a row, what comes before each record, and behind the last: packets, bytes, and both again of those that went back.
 * 32-bit words, four and four.
 */
const totalsWidth: i32 = 16;
const totalsSize: i32 = (longestRow + 1) * totalsWidth;
/** A bit for each record that does not go on with the conversation before it, and for where the last one ends. */
const beginsSize: i32 = (longestRow / 64 + 1) * 8;
/** Of what `setConversations` is given. */
export const comparedSize: i32 = totalsSize + beginsSize;

/** Of a label: packets and bytes out, then in, then of both ends its own (`countOf` of label-counters.ts). */
const countedIn: i32 = 16;
const countedSelf: i32 = 32;
const countersWidth: i32 = 48;

let sums: i32 = 0;
let totals: i32 = 0;
let begins: i32 = 0;
let runs: i32 = 0;
/** Of label 0. What is counted in front of it, of nobody, nobody reads: so there is no branch. */
let counters: i32 = 0;
/** A mask: all ones unless a conversation ends where the direction changes. */
let bothWays: i32 = -1;
/** A mask: packets of no label go to an output as well. */
let keepsOthers: i32 = 0;

export function setConversations(
  sumsAt: i32,
  compared: i32,
  runsAt: i32,
  countersAt: i32,
  isOneWay: bool,
  othersKept: bool,
): void {
  sums = sumsAt;
  totals = compared;
  begins = compared + totalsSize;
  runs = runsAt;
  counters = countersAt;
  bothWays = isOneWay ? 0 : -1;
  keepsOthers = othersKept ? -1 : 0;
}

@inline
function add(at: i32, packetsAndBytes: v128): void {
  v128.store(at, v128.add<f64>(v128.load(at), packetsAndBytes));
}

@inline
function addSum(which: i32, counted: v128): void {
  add(sums + which, f64x2.convert_low_i32x4_s(counted));
}

/** Adds one record to what comes before it. */
@inline
function addRecord(total: v128, at: i32, counted: v128): v128 {
  const next = v128.add<i32>(total, counted);
  v128.store(at, next);
  return next;
}

/** Puts down what comes before each of the `count` records, and where conversations begin. No branch depends on a packet. */
@inline
function compare(count: i32): void {
  const ones = i32x4.splat(1);
  const zeros = i32x4.splat(0);
  const swappable = i32x4.splat(bothWays);
  // Of two addresses the lesser one, whoever speaks: in any order, so as signed numbers as they lie in memory.
  let lesser = zeros;
  let greater = zeros;
  let total = zeros;
  v128.store(totals, total);
  for (let word = 0; word <= count; word += 64) {
    const end = min(word + 64, count);
    let goesOn: u64 = 0;
    for (let at = word; at < end; at += 4) {
      // Four at once: up to three behind the last are left of a row before, and nobody looks at what comes of them.
      const pair = pairs + at * 8;
      const two = v128.load(pair);
      const twoMore = v128.load(pair, 16);
      const source = v128.shuffle<i32>(two, twoMore, 0, 2, 4, 6);
      const destination = v128.shuffle<i32>(two, twoMore, 1, 3, 5, 7);
      const back = v128.and(v128.gt<i32>(source, destination), swappable);
      const swap = v128.and(v128.xor(source, destination), back);
      const lesserBefore = lesser;
      const greaterBefore = greater;
      lesser = v128.xor(source, swap);
      greater = v128.xor(destination, swap);
      const unlike = v128.or(
        v128.xor(lesser, v128.shuffle<i32>(lesserBefore, lesser, 3, 4, 5, 6)),
        v128.xor(greater, v128.shuffle<i32>(greaterBefore, greater, 3, 4, 5, 6)),
      );
      goesOn |= (<u64>i32x4.bitmask(v128.eq<i32>(unlike, zeros))) << (at - word);
      // Columns become rows.
      const bytes = lengthsAt(starts + at * 4);
      const backPackets = v128.and(back, ones);
      const backBytes = v128.and(back, bytes);
      const all01 = v128.shuffle<i32>(ones, bytes, 0, 4, 1, 5);
      const all23 = v128.shuffle<i32>(ones, bytes, 2, 6, 3, 7);
      const back01 = v128.shuffle<i32>(backPackets, backBytes, 0, 4, 1, 5);
      const back23 = v128.shuffle<i32>(backPackets, backBytes, 2, 6, 3, 7);
      const to = totals + (at + 1) * totalsWidth;
      total = addRecord(total, to, v128.shuffle<i64>(all01, back01, 0, 2));
      total = addRecord(total, to + totalsWidth, v128.shuffle<i64>(all01, back01, 1, 3));
      total = addRecord(total, to + 2 * totalsWidth, v128.shuffle<i64>(all23, back23, 0, 2));
      total = addRecord(total, to + 3 * totalsWidth, v128.shuffle<i64>(all23, back23, 1, 3));
    }
    const left = count - word;
    const isLast = left < 64;
    const bits = isLast ? (~goesOn & ((<u64>1 << left) - 1)) | (<u64>1 << left) : ~goesOn;
    store<u64>(begins + word / 8, bits);
  }
}

/**
 * Counts the `count` records that were read last, labels being looked up once for each conversation.
 * @param lead bytes in front of each record that go with it
 * @param apart records do not follow one another at once: of runs it is said where in `starts` theirs are
 * @returns how many runs there are: of no label only where those go to an output
 */
export function converse(count: i32, lead: i32, apart: bool): i32 {
  compare(count);
  let labelledTotal = i32x4.splat(0);
  let run = runs;
  let first = 0;
  for (let word = 0; word <= count; word += 64) {
    let bits = load<u64>(begins + word / 8);
    // The first one begins before all.
    if (word === 0) bits &= ~(<u64>1);
    while (bits !== 0) {
      const next = word + <i32>ctz(bits);
      bits &= bits - 1;
      const before = v128.load(totals + first * totalsWidth);
      const counted = v128.sub<i32>(v128.load(totals + next * totalsWidth), before);
      const pair = load<u64>(pairs + first * 8);
      const isBack = ((<i32>pair > <i32>(pair >> 32)) & (bothWays !== 0)) as bool;
      const found = findPair(isBack ? rotl(pair, 32) : pair);
      const label = labelOfFirst(found);
      const peer = labelOfSecond(found);
      const labelled = ~((label & peer) >> 31);
      labelledTotal = v128.add<i32>(labelledTotal, v128.and(counted, i32x4.splat(labelled)));
      const countedBack = v128.shuffle<i64>(counted, counted, 1, 1);
      const back = f64x2.convert_low_i32x4_s(countedBack);
      const forth = f64x2.convert_low_i32x4_s(v128.sub<i32>(counted, countedBack));
      const ofLabel = counters + label * countersWidth;
      const ofPeer = counters + peer * countersWidth;
      add(ofLabel, forth);
      add(ofLabel + countedIn, back);
      add(ofPeer, back);
      add(ofPeer + countedIn, forth);
      if (label === peer && label >= 0) {
        add(ofLabel + countedSelf, f64x2.convert_low_i32x4_s(counted));
      }
      const start = starts + first * 4;
      const end = starts + next * 4;
      putRun(
        run,
        label,
        peer,
        apart ? start : load<i32>(start) - lead,
        apart ? end : load<i32>(end) - lead,
        i32x4.extract_lane(counted, 0),
      );
      run += runSize & (labelled | keepsOthers);
      first = next;
    }
  }
  const all = v128.load(totals + count * totalsWidth);
  addSum(labelledSum, labelledTotal);
  addSum(othersSum, v128.sub<i32>(all, labelledTotal));
  return (run - runs) / runSize;
}
