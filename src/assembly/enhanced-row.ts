/**
 * AssemblyScript, for WebAssembly: rows of pcapng's Enhanced Packet Blocks, which most of such a capture is.
 * No load or store is checked against the end of anything but by what this file itself checks.
 * `src/formats/enhanced-row.ts` runs it. All offsets are into one memory: the arena's.
 */

import { inOrder, keep, setByteOrder, touch, word } from './memory.ts';

/** Fields of packet blocks (formats/pcapng-layout.ts), bytes from a block's start. */
const blockTotal: i32 = 4;
const enhancedInterface: i32 = 8;
const enhancedCaptured: i32 = 20;
const enhancedLeast: i32 = 32;
const enhancedType: i32 = 6;
/** blockLead of packet/batch.ts: from a block's start to what could be its record header. */
const blockLead: i32 = 12;
const maximumCaptured: i32 = 262_144;

/**
 * Finds Enhanced Packet Blocks of one interface from `at` on, whole and without fault, up to the first block
 * that is something else. Where their record headers would begin is put down at `found`, from number `count`
 * on to before `most`; behind the last one, where the next block would begin.
 * @param longest no block is longer, bytes
 * @returns how many are found then
 */
export function findEnhanced(
  at: i32,
  end: i32,
  id: i32,
  isLittle: bool,
  longest: i32,
  found: i32,
  count: i32,
  most: i32,
): i32 {
  setByteOrder(isLittle);
  const last = end - enhancedLeast;
  let place = found + count * 4;
  const full = found + most * 4;
  let touched = 0;
  while (at <= last && place < full) {
    const total = word(at + blockTotal);
    const room = total - enhancedLeast;
    if (word(at) !== enhancedType || word(at + enhancedInterface) !== id) break;
    // Too small wraps around.
    if ((total & 3) !== 0 || <u32>room > <u32>longest || room > last - at) break;
    const captured = word(at + enhancedCaptured);
    if (<u32>captured > <u32>maximumCaptured || captured > room) break;
    if (word(at + total - 4) !== total) break;
    store<i32>(place, at + blockLead);
    touched |= touch(at);
    place += 4;
    at += total;
  }
  store<i32>(place, at);
  keep(touched);
  return (place - found) / 4;
}

/** Below this, a number of ticks is exact as a double: 2^53 is 2^21 in the upper word. */
const exactHigh: u32 = 1 << 21;
/** Beyond it a double is wrong by up to 1024 ticks: less than a second of rates from here on. */
const coarseRate: i32 = 1_000_000;

/**
 * What `convertTicks` (formats/ticks.ts) does, for the records at `[starts, end)`, which are offsets.
 * @param unit ticks in a second
 * @param offset seconds to add, exact as a double
 * @param perSecond of the fractions
 * @returns where the first one stands that cannot be converted here, or `end`
 */
export function convertRow(
  starts: i32,
  end: i32,
  isLittle: bool,
  unit: i32,
  offset: f64,
  perSecond: i32,
): i32 {
  setByteOrder(isLittle);
  const isCoarse = unit >= coarseRate;
  const finer = perSecond / unit;
  const coarser = unit / perSecond;
  for (; starts < end; starts += 4) {
    const record = load<i32>(starts);
    const high = <u32>word(record);
    const low = word(record + 4);
    if (high >= exactHigh && !isCoarse) return starts;
    let seconds = <i64>(((<f64>high) * 4_294_967_296.0 + <f64>(<u32>low)) / <f64>unit);
    // Exact in 32 bits, whatever the division has rounded: the true rest is less than `unit`.
    let rest = low - <i32>seconds * unit;
    if (rest < 0) {
      rest += unit;
      seconds--;
    } else if (rest >= unit) {
      rest -= unit;
      seconds++;
    }
    const fraction = unit <= perSecond ? rest * finer : rest / coarser;
    const stamp = <i32>(seconds + <i64>offset);
    store<i32>(record, inOrder(stamp));
    store<i32>(record, inOrder(fraction), 4);
  }
  return end;
}
