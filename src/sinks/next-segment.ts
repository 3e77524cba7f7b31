/** The one check that nearly every segment passes: the next in order of a connection that is known. */
import { ipv4Layout, protocols } from '../packet/ip.js';
import { tcpFlags, tcpLayout } from '../packet/tcp.js';
import { flowLayout, flowState } from './flow-layout.js';
import { noPeer } from './peers.js';

/** Places for records found last, by a cheap hash: a few busy flows make most of the packets. */
export const memoSize = 256;

const kind = (4 << 8) | protocols.TCP;

/** @param pair of ports, either way round, and of addresses' words likewise */
export function memoSlot(pair: number, one: number, other: number): number {
  return (pair ^ (pair >>> 16) ^ (one >>> 24) ^ (other >>> 24)) & (memoSize - 1);
}

/**
 * Looks for a TCP segment over IPv4 with no flag but ACK and PSH, with a window, next in order, in an
 * open connection whose peers are known; and moves that connection's record on by it.
 *
 * There is one branch for all that could be otherwise. V8 compiles a function anew when a branch is first
 * taken, which for this one costs as much as a hundred thousand segments do.
 *
 * @param memo offsets of records, by `memoSlot`
 * @param transport offset of the TCP header, not 0
 * @param end of the captured bytes
 * @returns the record's offset; -1 for anything else, and then nothing is done
 */
export function nextSegment(
  view: DataView,
  words: Int32Array,
  memo: Int32Array,
  ip: number,
  transport: number,
  end: number,
): number {
  if (transport + tcpLayout.size > end) return -1;
  const sent = view.getInt32(transport + tcpLayout.sourcePort);
  const source = view.getInt32(ip + ipv4Layout.source, true);
  const destination = view.getInt32(ip + ipv4Layout.destination, true);
  // As `readKey`: the side with the lower port is 0. Of equal ports it may be wrong, and is then no match.
  const side = ((sent & 0xffff) - (sent >>> 16)) >>> 31;
  const pair = (sent << (16 * side)) | (sent >>> (16 * side));
  const at = memo[memoSlot(pair, source, destination)];

  const flags = view.getUint8(transport + tcpLayout.flags);
  const window = view.getUint16(transport + tcpLayout.window);
  const header = (view.getUint8(transport + tcpLayout.dataOffset) >>> 4) * 4;
  // 0 where segmentation offload leaves it open.
  const total = view.getUint16(ip + ipv4Layout.totalLength);
  const payload = ip + total - transport - header;
  const sequence = view.getInt32(transport + tcpLayout.sequence);
  const needed = flowState.open | (flowState.known << side);
  const wanted = needed | (flowState.zeroWindow << side);
  const unlike =
    (words[at + flowLayout.address + side] ^ source) |
    (words[at + flowLayout.address + (side ^ 1)] ^ destination) |
    (words[at + flowLayout.ports] ^ pair) |
    (words[at + flowLayout.kind] ^ kind) |
    ((flags | tcpFlags.psh) ^ (tcpFlags.psh | tcpFlags.ack)) |
    ((words[at + flowLayout.state] & wanted) ^ needed) |
    (words[at + flowLayout.next + side] ^ sequence) |
    (words[at + flowLayout.seen] ^ 1);
  const first = words[at + flowLayout.peer] - noPeer;
  const second = words[at + flowLayout.peer + 1] - noPeer;
  // What must not be below 0 has its sign there.
  const low = (window - 1) | (header - tcpLayout.size) | (total - 1) | payload | first | second;
  if ((unlike | (low >> 31)) !== 0) return -1;
  words[at + flowLayout.next + side] = sequence + payload;
  return at;
}
