/**
 * AssemblyScript, for WebAssembly: rows of pcapng's Enhanced Packet Blocks, which most of such a capture is.
 * No load or store is checked against the end of anything but by what this file itself checks.
 * `src/formats/enhanced-row.ts` runs it. All offsets are into one memory: the arena's.
 */

import {
  blockLead,
  convertTicks,
  enhancedLeast,
  enhancedLength,
  setBlocks,
  setTicks,
} from './enhanced-block.ts';
import { keep, setByteOrder, touch } from './memory.ts';

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
  setBlocks(id, longest);
  const last = end - enhancedLeast;
  let place = found + count * 4;
  const full = found + most * 4;
  let touched = 0;
  while (at <= last && place < full) {
    const total = enhancedLength(at, last, isLittle);
    if (total === 0) break;
    store<i32>(place, at + blockLead);
    touched |= touch(at);
    place += 4;
    at += total;
  }
  store<i32>(place, at);
  keep(touched);
  return (place - found) / 4;
}

/**
 * What `convertTicks` (formats/ticks.ts) does, for the records at `[starts, end)`, which are offsets.
 * @param unit ticks in a second
 * @param offset seconds to add, exact as a double
 * @param perSecond of the fractions
 */
export function convertRow(
  starts: i32,
  end: i32,
  isLittle: bool,
  unit: i32,
  offset: f64,
  perSecond: i32,
): void {
  setByteOrder(isLittle);
  setTicks(unit, offset, perSecond);
  for (; starts < end; starts += 4) convertTicks(load<i32>(starts));
}
