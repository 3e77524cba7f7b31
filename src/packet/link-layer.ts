/** Finds the IP header behind each link-layer header that captures come with. */
import {
  behindEtherType,
  etherTypes,
  type FindIp,
  unreadable,
  versioned,
  notIp,
} from './ether-type.js';
import { oldLayers } from './old-links.js';
import { pointToPointLayers } from './point-to-point.js';
import { rareLink } from './rare-link.js';
import { wirelessLayers } from './wireless.js';

/** LINKTYPE_ values (tcpdump.org/linktypes.html). */
export const linkTypes = {
  NULL: 0,
  ETHERNET: 1,
  /** DLT_RAW as some systems number it; files should say 101 but not all do. */
  RAW_12: 12,
  RAW_14: 14,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

/**
 * How the common packet of a link type looks, so that the hot path can tell it by one compare:
 * the 16-bit word at `offset`, masked, is `value` when an IPv4 header stands at `ip`.
 */
export interface FastIpv4 {
  readonly offset: number;
  readonly mask: number;
  readonly value: number;
  readonly ip: number;
}

export interface LinkLayer {
  readonly name: string;
  readonly findIp: FindIp;
  readonly fastIpv4: FastIpv4;
}

/** A header of `size` bytes with an EtherType at `typeOffset`. */
function typed(name: string, typeOffset: number, size: number): LinkLayer {
  return {
    name,
    findIp: (view, start, end) =>
      start + size > end
        ? unreadable
        : behindEtherType(view, view.getUint16(start + typeOffset), start + size, end),
    fastIpv4: { offset: typeOffset, mask: 0xffff, value: etherTypes.IPV4, ip: size },
  };
}

/**
 * AF_INET is 2 everywhere; AF_INET6 is 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS,
 * 23 on Windows and 10 on Linux (the systems' sys/socket.h).
 */
function behindFamily(view: DataView, family: number, ip: number, end: number): number {
  switch (family) {
    case 2:
      return versioned(view, ip, end, 4);
    case 24:
    case 28:
    case 30:
    case 23:
    case 10:
      return versioned(view, ip, end, 6);
    default:
      return notIp;
  }
}

/** DLT_NULL: the family in the byte order of the machine that captured, which nobody wrote down. */
const nullLayer: LinkLayer = {
  name: 'NULL',
  findIp(view, start, end) {
    if (start + 4 > end) return unreadable;
    const little = view.getUint32(start, true);
    // A family fits 16 bits, so exactly one reading is small.
    const family = little > 0xffff ? view.getUint32(start) : little;
    return behindFamily(view, family, start + 4, end);
  },
  fastIpv4: { offset: 0, mask: 0xffff, value: 0x0200, ip: 4 },
};

/** DLT_LOOP (OpenBSD): the same in network byte order. */
const loopLayer: LinkLayer = {
  name: 'LOOP',
  findIp: (view, start, end) =>
    start + 4 > end ? unreadable : behindFamily(view, view.getUint32(start), start + 4, end),
  fastIpv4: { offset: 2, mask: 0xffff, value: 0x0002, ip: 4 },
};

function bare(name: string, versions: readonly (4 | 6)[]): LinkLayer {
  return {
    name,
    findIp(view, start, end) {
      if (start >= end) return unreadable;
      const version = view.getUint8(start) >> 4;
      return versions.some((each) => each === version) ? start : unreadable;
    },
    // For an IPv6-only type the value can never be met, and that is meant.
    fastIpv4: {
      offset: 0,
      mask: versions.includes(4) ? 0xf000 : 0,
      value: 0x4000,
      ip: 0,
    },
  };
}

const raw = bare('RAW', [4, 6]);

const layers = new Map<number, LinkLayer>([
  [linkTypes.NULL, nullLayer],
  [linkTypes.ETHERNET, typed('EN10MB', 12, 14)],
  [linkTypes.RAW_12, raw],
  [linkTypes.RAW_14, raw],
  [linkTypes.RAW, raw],
  [linkTypes.LOOP, loopLayer],
  [linkTypes.LINUX_SLL, typed('LINUX_SLL', 14, 16)],
  [linkTypes.IPV4, bare('IPV4', [4])],
  [linkTypes.IPV6, bare('IPV6', [6])],
  [linkTypes.LINUX_SLL2, typed('LINUX_SLL2', 0, 20)],
  ...pointToPointLayers,
  ...wirelessLayers,
  ...oldLayers,
]);

/** Stands for every link type that lbcap does not know: no packet can be read. */
export const unknownLayer = rareLink('unknown', () => unreadable);

/** The link layer of a LINKTYPE_ value, or `undefined` when lbcap cannot read it. */
export function linkLayerOf(linkType: number): LinkLayer | undefined {
  return layers.get(linkType);
}

/** For file names: `en10mb`, `linux-sll`; `linktype-105` for one that lbcap cannot read. */
export function linkTypeName(linkType: number): string {
  const name = layers.get(linkType)?.name ?? `linktype-${linkType}`;
  return name.toLowerCase().replaceAll('_', '-');
}
