/** The TCP header: where its fields are, and reads that never leave the captured bytes. */

/** Offsets inside the fixed 20 bytes, network byte order (RFC 9293, section 3.1). */
export enum tcpLayout {
  sourcePort = 0,
  destinationPort = 2,
  sequence = 4,
  acknowledgement = 8,
  /** High four bits: header length in 32-bit words. */
  dataOffset = 12,
  flags = 13,
  window = 14,
  checksum = 16,
  urgentPointer = 18,
  size = 20,
}

/** Bits of the byte at `tcpLayout.flags`. */
export enum tcpFlags {
  fin = 0x01,
  syn = 0x02,
  rst = 0x04,
  psh = 0x08,
  ack = 0x10,
  urg = 0x20,
}

/** What a payload length needs of the header in front (RFC 791, RFC 8200, RFC 2675). */
const ipv4TotalLength = 2;
enum ipv6 {
  payloadLength = 4,
  nextHeader = 6,
  size = 40,
}
enum hopByHop {
  protocol = 0,
  option = 2,
  jumboLength = 4,
  size = 8,
}

const jumboOption = 0xc2;
/** An Ethernet header, which is what `lo` has: for frames that are cut and say no length. */
const ethernetHeader = 14;
/** No link header that lbcap reads is longer (Ethernet with two VLAN tags). */
const longestLinkHeader = 22;

/**
 * Length of the TCP header at `offset` in bytes, 20 to 60; 0 when its fixed part is not wholly
 * before `end` or its data offset is below five words. When it is not 0, every field of
 * `tcpLayout` can be read; the options may still be cut.
 */
export function tcpHeaderLength(view: DataView, offset: number, end: number): number {
  if (offset + tcpLayout.size > end) return 0;
  const length = (view.getUint8(offset + tcpLayout.dataOffset) >>> 4) * 4;
  return length < tcpLayout.size ? 0 : length;
}

/** The byte of `tcpFlags`, where `tcpHeaderLength` is not 0. */
export function tcpFlagsAt(view: DataView, offset: number): number {
  return view.getUint8(offset + tcpLayout.flags);
}

/** The sequence number as a signed 32-bit integer, where `tcpHeaderLength` is not 0. */
export function tcpSequenceAt(view: DataView, offset: number): number {
  return view.getInt32(offset + tcpLayout.sequence);
}

/** The window before scaling, where `tcpHeaderLength` is not 0. */
export function tcpWindowAt(view: DataView, offset: number): number {
  return view.getUint16(offset + tcpLayout.window);
}

/**
 * Bytes of payload that the segment had on the wire, so a small snaplen changes nothing.
 *
 * A total length of 0 stands for more than 65,535 bytes (segmentation offload with BIG TCP); then
 * the jumbo payload option tells it (RFC 2675), else the frame's length does.
 *
 * @param ip offset of the IP header, whose fixed part is before `end`
 * @param transport offset of the TCP header
 * @param header what `tcpHeaderLength` gave, not 0
 * @param wireBytes original length of the whole frame
 * @returns 0 when the lengths contradict each other
 */
export function tcpPayloadLength(
  view: DataView,
  family: 4 | 6,
  ip: number,
  transport: number,
  header: number,
  end: number,
  wireBytes: number,
): number {
  let length: number;
  if (family === 4) {
    length = view.getUint16(ip + ipv4TotalLength);
  } else {
    length = view.getUint16(ip + ipv6.payloadLength);
    if (length === 0) length = jumboPayload(view, ip, end);
    if (length !== 0) length += ipv6.size;
  }
  if (length === 0) {
    const captured = end - ip;
    length = wireBytes - captured <= longestLinkHeader ? captured : wireBytes - ethernetHeader;
  }
  const payload = ip + length - transport - header;
  return payload > 0 ? payload : 0;
}

function jumboPayload(view: DataView, ip: number, end: number): number {
  const option = ip + ipv6.size;
  if (option + hopByHop.size > end) return 0;
  if (view.getUint8(ip + ipv6.nextHeader) !== hopByHop.protocol) return 0;
  if (view.getUint8(option + hopByHop.option) !== jumboOption) return 0;
  return view.getUint32(option + hopByHop.jumboLength);
}
