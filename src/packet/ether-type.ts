/** From an EtherType, or an LLC header, to the IP header behind it. */

/** The packet is whole but carries no IP: ARP, LLC and so on. */
export const notIp = -1;
/** The header is cut or names a protocol that the next byte contradicts. */
export const unreadable = -2;

/**
 * Offset of the IP header of the packet at `[start, end)`, `notIp` or `unreadable`. Where it is an
 * offset, at least one byte is there and its version nibble is the one that was announced.
 */
export type FindIp = (view: DataView, start: number, end: number) => number;

export const etherTypes = { IPV4: 0x0800, IPV6: 0x86dd } as const;
const mpls = { unicast: 0x8847, multicast: 0x8848 } as const;
const pppoeSession = 0x8864;
/** Up to here the field is a length, and LLC follows (IEEE 802.3, 3.2.6). */
const longestLength = 1500;

/** 802.1Q, 802.1ad and the pre-standard QinQ values (IEEE 802 numbers). */
const isVlan = (type: number) =>
  type === 0x8100 || type === 0x88a8 || type === 0x9100 || type === 0x9200;

/** `ip` where a header of that version stands there. */
export function versioned(view: DataView, ip: number, end: number, version: 4 | 6): number {
  return ip < end && view.getUint8(ip) >> 4 === version ? ip : unreadable;
}

/** Either version, as the header itself says. */
export function anyVersion(view: DataView, ip: number, end: number): number {
  if (ip >= end) return unreadable;
  const version = view.getUint8(ip) >> 4;
  return version === 4 || version === 6 ? ip : unreadable;
}

/** `offset` is where the payload of `type` begins; tags and labels are stepped over. */
export function behindEtherType(view: DataView, type: number, offset: number, end: number): number {
  while (isVlan(type)) {
    if (offset + 4 > end) return unreadable;
    type = view.getUint16(offset + 2);
    offset += 4;
  }
  if (type === etherTypes.IPV4) return versioned(view, offset, end, 4);
  if (type === etherTypes.IPV6) return versioned(view, offset, end, 6);
  if (type <= longestLength) return behindLlc(view, offset, end);
  if (type === mpls.unicast || type === mpls.multicast) return behindMpls(view, offset, end);
  // RFC 2516: version and type, code, session, length; then a PPP protocol.
  if (type === pppoeSession) return behindPppProtocol(view, offset + 6, end);
  return notIp;
}

/**
 * LLC (IEEE 802.2): SNAP with an EtherType (RFC 1042), or IP's own service access point, which
 * Wireshark knows too.
 */
export function behindLlc(view: DataView, offset: number, end: number): number {
  if (offset + 3 > end) return unreadable;
  const points = view.getUint16(offset);
  const control = view.getUint8(offset + 2);
  if (points === 0x0606 && control === 3) return versioned(view, offset + 3, end, 4);
  if (points !== 0xaaaa || control !== 3) return notIp;
  if (offset + 8 > end) return unreadable;
  const organisation = view.getUint16(offset + 3) * 256 + view.getUint8(offset + 5);
  // Zeros, or 802.1H's tunnel for bridges; others number their protocols themselves.
  if (organisation !== 0 && organisation !== 0x0000f8) return notIp;
  const type = view.getUint16(offset + 6);
  return type <= longestLength ? notIp : behindEtherType(view, type, offset + 8, end);
}

/** Labels up to the bottom of the stack (RFC 3032); what follows says by its first bits what it is. */
export function behindMpls(view: DataView, offset: number, end: number): number {
  for (;;) {
    if (offset + 4 > end) return unreadable;
    const isBottom = (view.getUint8(offset + 2) & 1) !== 0;
    offset += 4;
    if (!isBottom) continue;
    if (offset >= end) return unreadable;
    // Not 4 or 6: a pseudowire (RFC 4928).
    return anyVersion(view, offset, end) === unreadable ? notIp : offset;
  }
}

/** PPP's protocol number (RFC 1661, section 2; IANA), one byte where the field is compressed. */
export function behindPppProtocol(view: DataView, offset: number, end: number): number {
  if (offset >= end) return unreadable;
  const isShort = (view.getUint8(offset) & 1) !== 0;
  const payload = offset + (isShort ? 1 : 2);
  if (payload > end) return unreadable;
  const protocol = isShort ? view.getUint8(offset) : view.getUint16(offset);
  switch (protocol) {
    case 0x0021:
      return versioned(view, payload, end, 4);
    case 0x0057:
      return versioned(view, payload, end, 6);
    case 0x0281:
    case 0x0283:
      return behindMpls(view, payload, end);
    default:
      return notIp;
  }
}
