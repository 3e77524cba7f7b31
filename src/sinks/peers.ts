/** Bytes between each label and each of its peers, and which peer is the busiest. */
import { slotsFor } from './flow-records.js';

/** No peer: nothing is credited. */
export const noPeer = -1;
/** To be looked up when the next packet comes. */
export const unresolvedPeer = -2;

/** Words of a peer's record; the address's four come first. */
enum layout {
  label = 4,
  port = 5,
  family = 6,
  hash = 7,
  size = 8,
}

/**
 * Fixed memory: it doubles up to `maximum` peers; a peer too many makes it forget the half with the
 * fewest bytes, except each label's busiest. What is forgotten starts from zero when it comes back.
 */
export class PeerTable {
  /** How many peers it holds. */
  count = 0;
  /** How many were forgotten since the start. */
  forgotten = 0;
  readonly #maximum: number;
  readonly #forget: (moved: Int32Array) => void;
  readonly #busiest: Int32Array;
  #words: Int32Array;
  #bytes: Float64Array;
  #slots: Int32Array;

  /**
   * @param forget is told the new index of each old one, or `unresolvedPeer`, when peers move
   */
  constructor(labels: number, maximum: number, forget: (moved: Int32Array) => void) {
    // Half of it must be enough for the busiest of every label.
    this.#maximum = Math.max(maximum, 4 * labels, 16);
    this.#forget = forget;
    this.#busiest = new Int32Array(labels).fill(noPeer);
    const capacity = Math.min(256, this.#maximum);
    this.#words = new Int32Array(capacity * layout.size);
    this.#bytes = new Float64Array(capacity);
    this.#slots = new Int32Array(slotsFor(capacity));
  }

  /** Adds wire bytes; `peer` is what `index` gave. */
  credit(peer: number, bytes: number): void {
    const total = this.#bytes[peer] + bytes;
    this.#bytes[peer] = total;
    const label = this.#words[peer * layout.size + layout.label];
    const busiest = this.#busiest[label];
    // Without a branch that is hardly ever taken: V8 compiles anew when it first is.
    const rival = busiest === noPeer ? peer : busiest;
    this.#busiest[label] = total > this.#bytes[rival] ? peer : rival;
  }

  /** `127.0.0.1:9092`, `[::1]:9092`, or just the address when the port says nothing. */
  busiest(label: number): string | null {
    const peer = this.#busiest[label];
    return peer === noPeer ? null : this.#text(peer * layout.size);
  }

  /**
   * The peer of `label` with this address, made when it is new.
   *
   * @param a first of the address's words as they lie in memory; IPv4 has only this one
   * @param port 0 when the peer is not the server
   */
  index(
    label: number,
    family: 4 | 6,
    a: number,
    b: number,
    c: number,
    d: number,
    port: number,
  ): number {
    let hash = Math.imul(a ^ Math.imul(label, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(d, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 15) ^ b ^ Math.imul(c, 0x27d4eb2f) ^ port, 0x2c1b3c6d);
    hash ^= hash >>> 13;
    const words = this.#words;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = (this.#slots[slot] - 1) * layout.size;
      if (
        words[at] === a &&
        words[at + 1] === b &&
        words[at + 2] === c &&
        words[at + 3] === d &&
        words[at + layout.label] === label &&
        words[at + layout.port] === port &&
        words[at + layout.family] === family
      ) {
        return this.#slots[slot] - 1;
      }
    }
    if (this.count === this.#bytes.length) {
      if (this.count < this.#maximum) this.#grow();
      else this.#shed();
      return this.index(label, family, a, b, c, d, port);
    }
    const peer = this.count++;
    this.#words.set([a, b, c, d, label, port, family, hash], peer * layout.size);
    this.#bytes[peer] = 0;
    this.#slots[slot] = peer + 1;
    return peer;
  }

  #grow(): void {
    const capacity = Math.min(this.#bytes.length * 2, this.#maximum);
    const words = new Int32Array(capacity * layout.size);
    words.set(this.#words);
    const bytes = new Float64Array(capacity);
    bytes.set(this.#bytes);
    this.#words = words;
    this.#bytes = bytes;
    this.#slots = new Int32Array(slotsFor(capacity));
    this.#rehash();
  }

  /** Forgets the quieter half. Once in a hundred thousand new peers, some milliseconds. */
  #shed(): void {
    const median = this.#bytes.slice().sort()[this.count >>> 1];
    const moved = new Int32Array(this.count).fill(unresolvedPeer);
    let kept = 0;
    for (let peer = 0; peer < this.count; peer++) {
      const at = peer * layout.size;
      const busiest = this.#busiest[this.#words[at + layout.label]] === peer;
      if (this.#bytes[peer] <= median && !busiest) continue;
      this.#words.copyWithin(kept * layout.size, at, at + layout.size);
      this.#bytes[kept] = this.#bytes[peer];
      moved[peer] = kept++;
    }
    for (let label = 0; label < this.#busiest.length; label++) {
      if (this.#busiest[label] !== noPeer) this.#busiest[label] = moved[this.#busiest[label]];
    }
    this.forgotten += this.count - kept;
    this.count = kept;
    this.#slots.fill(0);
    this.#rehash();
    this.#forget(moved);
  }

  #rehash(): void {
    const mask = this.#slots.length - 1;
    for (let peer = 0; peer < this.count; peer++) {
      let slot = this.#words[peer * layout.size + layout.hash] & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = peer + 1;
    }
  }

  #text(at: number): string {
    const port = this.#words[at + layout.port];
    const bytes = new Uint8Array(this.#words.slice(at, at + 4).buffer);
    if (this.#words[at + layout.family] === 4) {
      const address = bytes.subarray(0, 4).join('.');
      return port === 0 ? address : `${address}:${String(port)}`;
    }
    const address = ipv6Text(bytes);
    return port === 0 ? address : `[${address}]:${String(port)}`;
  }
}

/** The canonical text of an IPv6 address (RFC 5952): the URL parser compresses as it says. */
function ipv6Text(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i] * 256 + bytes[i + 1]).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
