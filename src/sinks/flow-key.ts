/** The 5-tuple of a packet, the same for both directions, and its hash. */
import { flowLayout } from './flow-layout.js';

/** The words that only IPv6 has begin here and go on to the hash. */
const firstRest: number = flowLayout.lowRest;

/** Words of a key: the front of a flow's record. */
export const keySize = flowLayout.hash + 1;

/**
 * Fills `key` with addresses as they lie in memory, ports and protocol, low side first.
 *
 * @param ip offset of the IP header, whose addresses are before `end`
 * @param transport offset of a header that begins with two ports, or 0
 * @returns which side sent the packet: 0 (low) or 1
 */
export function readKey(
  key: Int32Array,
  view: DataView,
  family: 4 | 6,
  ip: number,
  protocol: number,
  transport: number,
  end: number,
): number {
  let pair = transport !== 0 && transport + 4 <= end ? view.getInt32(transport) : 0;
  const difference = (pair >>> 16) - (pair & 0xffff);
  let side = difference > 0 ? 1 : 0;
  if (family === 4) {
    const source = view.getInt32(ip + 12, true);
    const destination = view.getInt32(ip + 16, true);
    if (difference === 0 && source > destination) side = 1;
    key[side] = source;
    key[side ^ 1] = destination;
  } else {
    if (difference === 0 && addressAfter(view, ip + 8, ip + 24)) side = 1;
    const low = side === 0 ? ip + 8 : ip + 24;
    const high = side === 0 ? ip + 24 : ip + 8;
    key[0] = view.getInt32(low, true);
    key[1] = view.getInt32(high, true);
    for (let i = 0; i < 3; i++) {
      key[flowLayout.lowRest + i] = view.getInt32(low + 4 + 4 * i, true);
      key[flowLayout.highRest + i] = view.getInt32(high + 4 + 4 * i, true);
    }
  }
  if (side === 1) pair = (pair << 16) | (pair >>> 16);
  key[flowLayout.ports] = pair;
  key[flowLayout.kind] = (family << 8) | protocol;
  return side;
}

/** Any fixed order of two IPv6 addresses. */
function addressAfter(view: DataView, a: number, b: number): boolean {
  for (let i = 0; i < 16; i += 4) {
    const order = view.getInt32(a + i, true) - view.getInt32(b + i, true);
    if (order !== 0) return order > 0;
  }
  return false;
}

/** Puts the key's hash behind it. */
export function hashKey(key: Int32Array, family: 4 | 6): number {
  let h = Math.imul(key[0], 0x9e3779b1) ^ Math.imul(key[1], 0x85ebca6b) ^ key[flowLayout.kind];
  h = Math.imul(h ^ (h >>> 15) ^ key[flowLayout.ports], 0xc2b2ae35);
  if (family === 6) {
    for (let i = firstRest; i < flowLayout.hash; i++)
      h = Math.imul(h ^ (h >>> 15) ^ key[i], 0x27d4eb2f);
  }
  h = Math.imul(h ^ (h >>> 13), 0x2c1b3c6d);
  h ^= h >>> 16;
  key[flowLayout.hash] = h;
  return h;
}

/** Whether the record at `at` is the key's; the hashes are not compared. */
export function keyMatches(words: Int32Array, at: number, key: Int32Array, family: 4 | 6): boolean {
  if (
    words[at] !== key[0] ||
    words[at + 1] !== key[1] ||
    words[at + flowLayout.ports] !== key[flowLayout.ports] ||
    words[at + flowLayout.kind] !== key[flowLayout.kind]
  ) {
    return false;
  }
  if (family === 6) {
    for (let i = firstRest; i < flowLayout.hash; i++) if (words[at + i] !== key[i]) return false;
  }
  return true;
}
