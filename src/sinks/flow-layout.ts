/** Where everything about one flow lies in its record of 32-bit words. */

/**
 * Of a flow's two ends, "low" (side 0) has the lower port, or the lower address when the ports are
 * equal; "high" is side 1. A field in pairs is `field + side`.
 */
export enum flowLayout {
  /** In pairs: the first word of the address as it lies in memory (for IPv4 all of it). */
  address = 0,
  /** Low side's port in the upper half, high side's in the lower. */
  ports = 2,
  /** IP protocol, and the family above it: never 0 in a flow that exists. */
  kind = 3,
  /** Three further words of each side's IPv6 address. */
  lowRest = 4,
  highRest = 7,
  /** Ends the key. */
  hash = 10,
  /** Bits of `flowState`. */
  state = 11,
  /** In pairs: the sequence number after the highest that this side has sent. */
  next = 12,
  /** In pairs: this side's initial sequence number. */
  initial = 14,
  /** In pairs: label index of this side, or -1. */
  label = 16,
  /** In pairs: the peer that bytes are credited to, from this side's point of view. */
  peer = 18,
  /** 1 when a packet has come since the eviction's hand last went by. */
  seen = 20,
  size = 21,
}

/** Bits of a flow's state; those in pairs are `bit << side`. */
export enum flowState {
  /** A SYN was sent and nobody has answered. */
  pending = 1 << 0,
  open = 1 << 1,
  closed = 1 << 2,
  /** In pairs, as all that follow: this side has sent its FIN. */
  fin = 1 << 4,
  /** `next` is known. */
  known = 1 << 6,
  /** This side's SYN was seen, so `initial` is known. */
  synSeen = 1 << 8,
  /** This side's last window was 0. */
  zeroWindow = 1 << 10,
  /** This side got the SYN. */
  server = 1 << 12,
}
