/** Which addresses every packet of a file has: the client whose file it is. */
import { ipv4Layout, ipv6Layout } from '../packet/ip.js';
import type { AddressBytes } from '../labels/label.js';

/** IPv4 takes one word, IPv6 four. */
interface Candidate {
  readonly family: 4 | 6;
  readonly words: readonly number[];
}

/** Two candidates from the first packet; each packet that has one not at either end strikes it out. */
export class CommonAddresses {
  #candidates: Candidate[] | null = null;
  /** The raw addresses of the last IPv4 packet: most packets are of the same conversation. */
  #source = 0;
  #destination = 0;

  /** Nothing more can be learned. */
  get settled(): boolean {
    return this.#candidates?.length === 0;
  }

  /** @param ip offset of an IP header; one that is cut before the addresses says nothing */
  take(view: DataView, ip: number, end: number): void {
    if (ip >= end || this.settled) return;
    const family = view.getUint8(ip) >>> 4 === 6 ? 6 : 4;
    if (ip + (family === 4 ? ipv4Layout.minimumSize : ipv6Layout.size) > end) return;
    if (family === 4) {
      const source = view.getInt32(ip + ipv4Layout.source);
      const destination = view.getInt32(ip + ipv4Layout.destination);
      const isLast =
        (source === this.#source && destination === this.#destination) ||
        (source === this.#destination && destination === this.#source);
      if (this.#candidates !== null && isLast) return;
      this.#source = source;
      this.#destination = destination;
    } else {
      this.#source = this.#destination = 0;
    }
    const ends = endsOf(view, ip, family);
    const before = this.#candidates ?? (same(ends[0], ends[1]) ? [ends[0]] : ends);
    this.#candidates = before.filter((one) => ends.some((end) => same(one, end)));
  }

  /** None, one, or two where only these two ever spoke. */
  get addresses(): AddressBytes[] {
    return (this.#candidates ?? []).map(({ words }) => {
      const bytes = new Uint8Array(words.length * 4);
      const view = new DataView(bytes.buffer);
      for (const [index, word] of words.entries()) view.setInt32(4 * index, word);
      return bytes;
    });
  }
}

function endsOf(view: DataView, ip: number, family: 4 | 6): [Candidate, Candidate] {
  const { source, destination } = family === 4 ? ipv4Layout : ipv6Layout;
  const at = (offset: number): Candidate => ({
    family,
    words: (family === 4 ? [0] : [0, 4, 8, 12]).map((word) => view.getInt32(ip + offset + word)),
  });
  return [at(source), at(destination)];
}

function same(a: Candidate, b: Candidate): boolean {
  return a.family === b.family && a.words.every((word, index) => word === b.words[index]);
}
