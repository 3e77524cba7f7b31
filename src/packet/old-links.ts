/** Link types that old, rare or special captures come with (tcpdump.org/linktypes.html). */
import {
  anyVersion,
  behindEtherType,
  behindLlc,
  type FindIp,
  notIp,
  unreadable,
  versioned,
} from './ether-type.js';
import type { LinkLayer } from './link-layer.js';
import { rareLink } from './rare-link.js';

/** Access control, frame control, two addresses; a route behind them where the source's first bit is set. */
const tokenRing: FindIp = (view, start, end) => {
  if (start + 16 > end) return unreadable;
  const isRouted = (view.getUint8(start + 8) & 0x80) !== 0;
  return behindLlc(view, start + 14 + (isRouted ? view.getUint8(start + 14) & 0x1f : 0), end);
};

/** Frame control, two addresses; only frames of kind LLC. */
const fddi: FindIp = (view, start, end) => {
  if (start + 13 > end) return unreadable;
  return (view.getUint8(start) & 0xf0) === 0x50 ? behindLlc(view, start + 13, end) : notIp;
};

/** IP right behind a header of fixed size. */
function behind(size: number): FindIp {
  return (view, start, end) => anyVersion(view, start + size, end);
}

/** An EtherType at an offset, in a header of fixed size. */
function typed(typeOffset: number, size: number): FindIp {
  return (view, start, end) =>
    start + size > end
      ? unreadable
      : behindEtherType(view, view.getUint16(start + typeOffset), start + size, end);
}

/** OpenBSD's packet filter log: the header's length comes first, and is padded to 4 bytes. */
const pflog: FindIp = (view, start, end) => {
  if (start + 2 > end) return unreadable;
  return anyVersion(view, start + ((view.getUint8(start) + 3) & ~3), end);
};

/** Linux's netfilter log: attributes of length and type in the capturing machine's order; 9 is the packet. */
const nflog: FindIp = (view, start, end) => {
  const family = start < end ? view.getUint8(start) : 0;
  for (let at = start + 4; at + 4 <= end;) {
    // Attributes are short: the reading that is a small number is right.
    const little = view.getUint16(at + 2, true) < 0x100;
    const length = view.getUint16(at, little);
    if (length < 4) return unreadable;
    if ((view.getUint16(at + 2, little) & 0x7fff) === 9) {
      if (family === 2) return versioned(view, at + 4, end, 4);
      return family === 10 ? versioned(view, at + 4, end, 6) : notIp;
    }
    at += (length + 3) & ~3;
  }
  return unreadable;
};

/** Solaris: the family in the second byte. */
const ipnet: FindIp = (view, start, end) => {
  if (start + 24 > end) return unreadable;
  const family = view.getUint8(start + 1);
  return family === 2
    ? versioned(view, start + 24, end, 4)
    : family === 26
      ? versioned(view, start + 24, end, 6)
      : notIp;
};

/** Endace's ERF: extension headers of 8 bytes as long as the upper bit says so; Ethernet behind 2 bytes. */
const erf: FindIp = (view, start, end) => {
  if (start + 16 > end) return unreadable;
  const type = view.getUint8(start + 8) & 0x7f;
  let at = start + 16;
  for (let more = view.getUint8(start + 8) & 0x80; more !== 0;) {
    if (at + 8 > end) return unreadable;
    more = view.getUint8(at) & 0x80;
    at += 8;
  }
  if (type === 2) return ethernet(view, at + 2, end);
  return type === 22 || type === 23 ? anyVersion(view, at, end) : notIp;
};

const ethernet = typed(12, 14);

export const oldLayers: readonly (readonly [number, LinkLayer])[] = [
  [6, rareLink('IEEE802', tokenRing)],
  // A byte of direction, 15 of a compressed header.
  [8, rareLink('SLIP', behind(16))],
  [10, rareLink('FDDI', fddi)],
  [15, rareLink('SLIP_BSDOS', behind(24))],
  // Family, SPI and flags, in the capturing machine's order.
  [109, rareLink('ENC', behind(12))],
  [117, rareLink('PFLOG', pflog)],
  // RFC 2625: two addresses of 8 bytes.
  [122, rareLink('IP_OVER_FC', (view, start, end) => behindLlc(view, start + 16, end))],
  [138, rareLink('APPLE_IP_OVER_IEEE1394', typed(16, 18))],
  [197, rareLink('ERF', erf)],
  [226, rareLink('IPNET', ipnet)],
  [239, rareLink('NFLOG', nflog)],
  [240, rareLink('NETANALYZER', (view, start, end) => ethernet(view, start + 4, end))],
  // A preamble of 8 bytes too.
  [241, rareLink('NETANALYZER_TRANSPARENT', (view, start, end) => ethernet(view, start + 12, end))],
  [242, rareLink('IPOIB', typed(40, 44))],
  // Switch tags between the addresses and the EtherType, or before both.
  [281, rareLink('DSA_TAG_BRCM', typed(16, 18))],
  [282, rareLink('DSA_TAG_BRCM_PREPEND', (view, start, end) => ethernet(view, start + 4, end))],
  [284, rareLink('DSA_TAG_DSA', typed(16, 18))],
  [285, rareLink('DSA_TAG_EDSA', typed(20, 22))],
  [274, rareLink('ETHERNET_MPACKET', (view, start, end) => ethernet(view, start + 8, end))],
];
