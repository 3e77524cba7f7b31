/** IPv4 and IPv6 headers: where the addresses are, and where the transport header begins. */

/** RFC 791, section 3.1. */
export enum ipv4Layout {
  totalLength = 2,
  fragment = 6,
  protocol = 9,
  source = 12,
  destination = 16,
  minimumSize = 20,
}

/** RFC 8200, section 3. */
export enum ipv6Layout {
  payloadLength = 4,
  nextHeader = 6,
  source = 8,
  destination = 24,
  size = 40,
}

/** IANA protocol numbers. */
export enum protocols {
  TCP = 6,
  UDP = 17,
  SCTP = 132,
}

/** TCP, UDP and SCTP begin with a source and a destination port, 16 bits each. */
export function hasPorts(protocol: number): boolean {
  return protocol === protocols.TCP || protocol === protocols.UDP || protocol === protocols.SCTP;
}

/** The part of IPv4's fragment word that is the offset; the rest are flags. */
export const fragmentOffsetMask = 0x1fff;

/**
 * What is known of one packet's IP header. One object is filled again and again, so that nothing
 * is allocated per packet.
 */
export class IpHeader {
  family: 4 | 6 = 4;
  /** Of the transport; -1 when unknown (cut in the extension headers, encrypted). */
  protocol = -1;
  /** Offset of the transport header, or 0: a later fragment, cut away, or not reached. */
  transport = 0;
  /** The captured bytes end where ports should be, though the packet has some. */
  portsCut = false;

  /**
   * Reads the IP header at `ip` of a packet that ends at `end` (captured bytes).
   * False when it is cut before the addresses or contradicts itself.
   */
  read(view: DataView, ip: number, end: number): boolean {
    this.protocol = -1;
    this.transport = 0;
    this.portsCut = false;
    if (ip >= end) return false;
    const version = view.getUint8(ip) >> 4;
    if (version === 4) return this.#readV4(view, ip, end);
    if (version === 6) return this.#readV6(view, ip, end);
    return false;
  }

  #readV4(view: DataView, ip: number, end: number): boolean {
    this.family = 4;
    if (ip + ipv4Layout.minimumSize > end) return false;
    const headerSize = (view.getUint8(ip) & 0x0f) * 4;
    if (headerSize < ipv4Layout.minimumSize) return false;
    const totalLength = view.getUint16(ip + ipv4Layout.totalLength);
    // 0 is what a sender with segmentation offload leaves there.
    if (totalLength !== 0 && totalLength < headerSize) return false;
    this.protocol = view.getUint8(ip + ipv4Layout.protocol);
    const fragment = view.getUint16(ip + ipv4Layout.fragment);
    if ((fragment & fragmentOffsetMask) === 0) this.#transportAt(ip + headerSize, end);
    return true;
  }

  #readV6(view: DataView, ip: number, end: number): boolean {
    this.family = 6;
    if (ip + ipv6Layout.size > end) return false;
    let next = view.getUint8(ip + ipv6Layout.nextHeader);
    let offset = ip + ipv6Layout.size;
    for (;;) {
      let size: number;
      switch (next) {
        case 0: // hop-by-hop options
        case 43: // routing
        case 60: // destination options
        case 135: // mobility
        case 139: // host identity
        case 140: // shim6
          if (offset + 8 > end) return this.#cut();
          size = (view.getUint8(offset + 1) + 1) * 8;
          break;
        case 44: // fragment: later ones have no transport header
          if (offset + 8 > end) return this.#cut();
          if ((view.getUint16(offset + 2) & 0xfff8) !== 0) {
            this.protocol = view.getUint8(offset);
            return true;
          }
          size = 8;
          break;
        case 51: // authentication header, in units of 4 (RFC 4302, section 2.2)
          if (offset + 8 > end) return this.#cut();
          size = (view.getUint8(offset + 1) + 2) * 4;
          break;
        default:
          this.protocol = next;
          this.#transportAt(offset, end);
          return true;
      }
      next = view.getUint8(offset);
      offset += size;
    }
  }

  /** The addresses are readable all the same. */
  #cut(): true {
    this.portsCut = true;
    return true;
  }

  #transportAt(offset: number, end: number): void {
    if (!hasPorts(this.protocol)) {
      if (offset < end) this.transport = offset;
    } else if (offset + 4 <= end) {
      this.transport = offset;
    } else {
      this.portsCut = true;
    }
  }
}
