/** PPP, HDLC, Frame Relay, ATM: links between two ends (tcpdump.org/linktypes.html). */
import {
  behindEtherType,
  behindLlc,
  behindPppProtocol,
  type FindIp,
  notIp,
  unreadable,
  versioned,
} from './ether-type.js';
import type { LinkLayer } from './link-layer.js';
import { rareLink } from './rare-link.js';

/** LINKTYPE_PPP: with the address and control bytes of HDLC-like framing (RFC 1662) or without. */
const ppp: FindIp = (view, start, end) =>
  start + 2 > end
    ? unreadable
    : behindPppProtocol(view, view.getUint16(start) === 0xff03 ? start + 2 : start, end);

/** Cisco HDLC: address, control, then an EtherType (RFC 1547, section 4.3.1). */
const ciscoHdlc: FindIp = (view, start, end) =>
  start + 4 > end ? unreadable : behindEtherType(view, view.getUint16(start + 2), start + 4, end);

/** LINKTYPE_PPP_HDLC: the first byte tells PPP from Cisco's. */
const pppHdlc: FindIp = (view, start, end) => {
  if (start >= end) return unreadable;
  const address = view.getUint8(start);
  return address === 0x0f || address === 0x8f ? ciscoHdlc(view, start, end) : ppp(view, start, end);
};

/** Q.922 address of two to four bytes, control, and a protocol as by RFC 2427. */
const frameRelay: FindIp = (view, start, end) => {
  let at = start;
  // The lowest bit of the last address byte is set.
  while (at < end && (view.getUint8(at) & 1) === 0) at++;
  at++;
  // Cisco's own encapsulation has an EtherType there; RFC 2427 an unnumbered-information byte.
  if (at + 2 > end) return unreadable;
  if (view.getUint8(at) !== 3) return behindEtherType(view, view.getUint16(at), at + 2, end);
  at++;
  if (view.getUint8(at) === 0) at++;
  if (at >= end) return unreadable;
  switch (view.getUint8(at)) {
    case 0xcc:
      return versioned(view, at + 1, end, 4);
    case 0x8e:
      return versioned(view, at + 1, end, 6);
    case 0x80:
      // SNAP: an organisation, then an EtherType.
      if (at + 6 > end) return unreadable;
      return behindEtherType(view, view.getUint16(at + 4), at + 6, end);
    default:
      return notIp;
  }
};

/** LINKTYPE_SUNATM: flags, VPI and VCI, then what the flags say; 2 is LLC. */
const sunAtm: FindIp = (view, start, end) => {
  if (start + 4 > end) return unreadable;
  return (view.getUint8(start) & 0x0f) === 2 ? behindLlc(view, start + 4, end) : notIp;
};

export const pointToPointLayers: readonly (readonly [number, LinkLayer])[] = [
  [9, rareLink('PPP', ppp)],
  [50, rareLink('PPP_HDLC', pppHdlc)],
  // A PPPoE session header (RFC 2516) without the Ethernet header before it.
  [51, rareLink('PPP_ETHER', (view, start, end) => behindPppProtocol(view, start + 6, end))],
  [100, rareLink('ATM_RFC1483', behindLlc)],
  [104, rareLink('C_HDLC', ciscoHdlc)],
  [106, rareLink('ATM_CLIP', behindLlc)],
  [107, rareLink('FRELAY', frameRelay)],
  [123, rareLink('SUNATM', sunAtm)],
  // One byte of direction before it.
  [166, rareLink('PPP_PPPD', (view, start, end) => pppHdlc(view, start + 1, end))],
  [204, rareLink('PPP_WITH_DIR', (view, start, end) => pppHdlc(view, start + 1, end))],
];
