/** Rows of Enhanced Packet Blocks of one interface: what most of a pcapng capture is. */
import { maximumCapturedLength } from '../packet/batch.js';
import { blockLayout, blockTypes, enhancedPacketLayout } from './pcapng-layout.js';

/**
 * Finds such blocks from `at` on, whole and without fault, up to the first that is something else, and
 * puts their offsets into `found`, from index `count` on.
 * @returns how many are in `found` then; the row ends where the last of them does
 */
export type FindEnhanced = (
  at: number,
  end: number,
  interfaceId: number,
  little: boolean,
  count: number,
) => number;

/**
 * @param longest no block is longer, bytes
 * @param found has room for the offsets of a walk; one behind the last stands where the row ends
 */
export function enhancedRows(view: DataView, longest: number, found: Int32Array): FindEnhanced {
  // A closure, and numbers of its own: see `plainRecords`.
  const most = found.length - 1;
  const mostCaptured = maximumCapturedLength;
  return (at, end, interfaceId, little, count) => {
    const last = end - enhancedPacketLayout.minimumSize;
    while (at <= last && count < most) {
      const total = view.getInt32(at + blockLayout.totalLength, little);
      const room = total - enhancedPacketLayout.minimumSize;
      if (view.getInt32(at + blockLayout.type, little) !== blockTypes.enhancedPacket) break;
      if (view.getInt32(at + enhancedPacketLayout.interfaceId, little) !== interfaceId) break;
      // Too small wraps around.
      if ((total & 3) !== 0 || room >>> 0 > longest || room > last - at) break;
      const captured = view.getInt32(at + enhancedPacketLayout.capturedLength, little);
      if (captured >>> 0 > mostCaptured || captured > room) break;
      if (view.getInt32(at + total - blockLayout.trailer, little) !== total) break;
      found[count] = at;
      count = (count + 1) | 0;
      at = (at + total) | 0;
    }
    found[count] = at;
    return count;
  };
}
