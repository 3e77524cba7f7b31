/** AssemblyScript: pcapng's Enhanced Packet Blocks, and their timestamps. Of each module that is compiled, a copy. */

import { inOrder, word, wordOf } from './memory.ts';

/** Fields of packet blocks (formats/pcapng-layout.ts), bytes from a block's start. */
const blockTotal: i32 = 4;
const enhancedInterface: i32 = 8;
const enhancedCaptured: i32 = 20;
export const enhancedLeast: i32 = 32;
const enhancedType: i32 = 6;
/** blockLead of packet/batch.ts: from a block's start to what could be its record header. */
export const blockLead: i32 = 12;
const maximumCaptured: i32 = 262_144;

let interfaceId: i32 = 0;
/** Of a block, beyond the least. */
let mostRoom: i32 = 0;

/** Which blocks are looked for from now on: of this interface, and no longer, bytes. */
export function setBlocks(id: i32, longestBlock: i32): void {
  interfaceId = id;
  mostRoom = longestBlock - enhancedLeast;
}

/**
 * @param last where the shortest block that ends in time would begin
 * @returns total length of the block at `at`; 0 where it is something else, not whole, or has a fault
 */
@inline
export function enhancedLength(at: i32, last: i32, isLittle: bool): i32 {
  const total = wordOf(at + blockTotal, isLittle);
  const room = total - enhancedLeast;
  const captured = wordOf(at + enhancedCaptured, isLittle);
  return wordOf(at, isLittle) !== enhancedType ||
    wordOf(at + enhancedInterface, isLittle) !== interfaceId ||
    (total & 3) !== 0 ||
    // Too small wraps around.
    <u32>room > <u32>mostRoom ||
    room > last - at ||
    <u32>captured > <u32>maximumCaptured ||
    captured > room ||
    wordOf(at + total - 4, isLittle) !== total
    ? 0
    : total;
}

let unit: u64 = 1;
let isFiner: bool = true;
let finer: i32 = 1;
let coarser: i32 = 1;
/** Seconds to add. */
let offset: i32 = 0;
/** The second of the last packet: the tick that it began with, and what is written for it. */
let began: u64 = 0;
let stamp: i32 = 0;

/**
 * What timestamps become from now on.
 * @param ticks in a second
 * @param added seconds, exact as a double
 * @param perSecond of the fractions
 */
export function setTicks(ticks: i32, added: f64, perSecond: i32): void {
  unit = <u64>ticks;
  isFiner = ticks <= perSecond;
  finer = perSecond / ticks;
  coarser = ticks / perSecond;
  // What comes out is taken modulo 2^32.
  offset = <i32>(<i64>added);
  began = 0;
  stamp = offset;
}

/** Makes the ticks at `record` seconds and a fraction. */
@inline
export function convertTicks(record: i32): void {
  const ticks = ((<u64>(<u32>word(record))) << 32) | (<u64>(<u32>word(record + 4)));
  let since = ticks - began;
  // What is before it has wrapped around, and may be near again.
  if (ticks < began || since >= unit) {
    const seconds = ticks / unit;
    began = seconds * unit;
    stamp = <i32>seconds + offset;
    since = ticks - began;
  }
  const rest = <i32>since;
  store<i32>(record, inOrder(stamp));
  store<i32>(record, inOrder(isFiner ? rest * finer : rest / coarser), 4);
}
