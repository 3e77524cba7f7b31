/** 802.11 and what stands before it in captures (IEEE 802.11, 9.2; radiotap.org; tcpdump.org/linktypes.html). */
import { behindLlc, type FindIp, notIp, unreadable } from './ether-type.js';
import type { LinkLayer } from './link-layer.js';
import { rareLink } from './rare-link.js';

const dataFrame = 2;
const flags = { toDs: 0x01, fromDs: 0x02, protected: 0x40, order: 0x80 } as const;
const subtypes = { noData: 0x4, qos: 0x8 } as const;
/** In the QoS control field: several frames in one. */
const aggregate = 0x80;

/** @param isPadded the payload begins at a multiple of 4, as some cards hand it over */
function behindMac(view: DataView, start: number, end: number, isPadded: boolean): number {
  if (start + 2 > end) return unreadable;
  const control = view.getUint8(start);
  if (((control >>> 2) & 3) !== dataFrame) return notIp;
  const subtype = control >>> 4;
  const flag = view.getUint8(start + 1);
  if ((subtype & subtypes.noData) !== 0 || (flag & flags.protected) !== 0) return notIp;
  const isBridge = (flag & flags.toDs) !== 0 && (flag & flags.fromDs) !== 0;
  let size = 24 + (isBridge ? 6 : 0);
  if ((subtype & subtypes.qos) !== 0) {
    if (start + size >= end) return unreadable;
    if ((view.getUint8(start + size) & aggregate) !== 0) return notIp;
    size += 2 + ((flag & flags.order) !== 0 ? 4 : 0);
  }
  if (isPadded) size = (size + 3) & ~3;
  return behindLlc(view, start + size, end);
}

const plain: FindIp = (view, start, end) => behindMac(view, start, end, false);

/** The header's length, and of its fields only the flags: their lowest-numbered neighbour is a timestamp. */
const radiotap: FindIp = (view, start, end) => {
  if (start + 8 > end) return unreadable;
  const length = view.getUint16(start + 2, true);
  if (length < 8 || start + length > end) return unreadable;
  const present = view.getUint32(start + 4, true);
  let at = 4;
  while (at + 4 <= length && (view.getUint32(start + at, true) & 0x80000000) !== 0) at += 4;
  at += 4;
  if ((present & 1) !== 0) at = ((at + 7) & ~7) + 8;
  const isPadded = (present & 2) !== 0 && at < length && (view.getUint8(start + at) & 0x20) !== 0;
  return behindMac(view, start + length, end, isPadded);
};

/** Prism's header is 144 bytes; newer drivers put AVS's there instead, which has its length in it. */
const prism: FindIp = (view, start, end) => {
  if (start + 8 > end) return unreadable;
  const isAvs = (view.getUint32(start) & 0xfffff000) >>> 0 === 0x80211000;
  return plain(view, start + (isAvs ? view.getUint32(start + 4) : 144), end);
};

const avs: FindIp = (view, start, end) =>
  start + 8 > end ? unreadable : plain(view, start + view.getUint32(start + 4), end);

/** Per-Packet Information: its length, and the link type of what follows (CACE PPI 1.0.10). */
const ppi: FindIp = (view, start, end) => {
  if (start + 8 > end) return unreadable;
  const linkType = view.getUint32(start + 4, true);
  if (linkType !== 105) return notIp;
  return plain(view, start + view.getUint16(start + 2, true), end);
};

export const wirelessLayers: readonly (readonly [number, LinkLayer])[] = [
  [105, rareLink('IEEE802_11', plain)],
  [119, rareLink('PRISM_HEADER', prism)],
  [127, rareLink('IEEE802_11_RADIO', radiotap)],
  [163, rareLink('IEEE802_11_RADIO_AVS', avs)],
  [192, rareLink('PPI', ppi)],
];
