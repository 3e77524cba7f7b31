/** Finds the IP header behind each link-layer header that loopback captures come with. */

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

/** The packet is whole but carries no IP: ARP, LLC and so on. */
export const notIp = -1;
/** The header is cut or names a protocol that the next byte contradicts. */
export const unreadable = -2;

/**
 * Offset of the IP header of the packet at `[start, end)`, `notIp` or `unreadable`. Where it is an
 * offset, at least one byte is there and its version nibble is the one that was announced.
 */
export type FindIp = (view: DataView, start: number, end: number) => number;

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

const etherTypes = { IPV4: 0x0800, IPV6: 0x86dd } as const;
/** 802.1Q, 802.1ad and the pre-standard QinQ value (IEEE 802 numbers). */
const isVlan = (type: number) => type === 0x8100 || type === 0x88a8 || type === 0x9100;

function versioned(view: DataView, ip: number, end: number, version: 4 | 6): number {
  return ip < end && view.getUint8(ip) >> 4 === version ? ip : unreadable;
}

/** `offset` is where the payload of `type` begins; VLAN tags are stepped over. */
function behindEtherType(view: DataView, type: number, offset: number, end: number): number {
  while (isVlan(type)) {
    if (offset + 4 > end) return unreadable;
    type = view.getUint16(offset + 2);
    offset += 4;
  }
  if (type === etherTypes.IPV4) return versioned(view, offset, end, 4);
  if (type === etherTypes.IPV6) return versioned(view, offset, end, 6);
  return notIp;
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
]);

/** Stands for every link type that lbcap does not know: no packet can be read. */
export const unknownLayer: LinkLayer = {
  name: 'unknown',
  findIp: () => unreadable,
  fastIpv4: { offset: 0, mask: 0, value: 1, ip: 0 },
};

/** The link layer of a LINKTYPE_ value, or `undefined` when lbcap cannot read it. */
export function linkLayerOf(linkType: number): LinkLayer | undefined {
  return layers.get(linkType);
}

/** For file names: `en10mb`, `linux-sll`; `linktype-105` for one that lbcap cannot read. */
export function linkTypeName(linkType: number): string {
  const name = layers.get(linkType)?.name ?? `linktype-${linkType}`;
  return name.toLowerCase().replaceAll('_', '-');
}
