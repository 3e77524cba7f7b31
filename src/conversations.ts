/** Neighbouring packets between the same two addresses: most packets are counted here, and nowhere else. */
import type { LabelLookup } from './labels/lookup.js';
import type { LabelCounters } from './label-counters.js';
import { recordFields, type PlainRecords } from './packet/plain-records.js';
import type { Runs } from './runs.js';

/** Pairs of addresses whose labels are remembered: a power of two. More of them are looked up again. */
const remembered = 1024;
/** Of a pair: source, destination, and their labels. */
enum pairFields {
  destination = 1,
  from = 2,
  to = 3,
  width = 4,
}

export interface ConversationOptions {
  readonly records: PlainRecords;
  /** Of labels without ports. */
  readonly lookup: LabelLookup;
  readonly counters: LabelCounters;
  readonly runs: Runs;
  /** A conversation ends where the direction changes, too. */
  readonly oneWay: boolean;
}

/**
 * Counts the `count` records that were read last, and hands them on.
 * @param lead bytes in front of each record that go with it
 * @param apart they do not follow one another at once: each has an end of its own
 */
export type CountConversations = (count: number, lead: number, apart: boolean) => void;

/**
 * A conversation goes on for as long as the two addresses stay the same, either way round: labels are
 * looked up, counted and joined to runs once for each. The direction is told without a branch, since
 * no processor can predict it. Why it is a closure: see `plainRecords`.
 */
export function conversations(options: ConversationOptions): CountConversations {
  const { lookup, counters, runs } = options;
  const { fields, ends } = options.records;
  const { width } = recordFields;
  const { outPackets, outBytes, inPackets, inBytes, selfPackets, selfBytes } = counters;
  /** A mask: all ones or none. */
  const oneWay = options.oneWay ? -1 : 0;
  const pairs = new Int32Array(remembered * pairFields.width);
  // What stands in an empty entry is true of 0.0.0.0.
  const zero = lookup.v4(0, 0);
  for (let at = 0; at < pairs.length; at += pairFields.width) {
    pairs[at + pairFields.from] = pairs[at + pairFields.to] = zero;
  }

  return (count, lead, apart) => {
    const end = count * width;
    let labelledPackets = 0;
    let labelledBytes = 0;
    let othersPackets = 0;
    let othersBytes = 0;
    for (let at = 0; at < end;) {
      const first = at;
      const opener = fields[at + recordFields.source];
      const peer = fields[at + recordFields.destination];
      // The smaller address first, whoever speaks first, without a branch: what is then done for the two
      // ends goes the same ways more often. The lowest bit is lost, which makes no wrong answer.
      const swap = (((peer >>> 1) - (opener >>> 1)) >> 31) & ~oneWay & (opener ^ peer);
      const source = opener ^ swap;
      const destination = peer ^ swap;
      let bytes = 0;
      let backPackets = 0;
      let backBytes = 0;
      // What a packet the other way differs by, in both addresses; one-way, none may differ.
      const swapped = (source ^ destination) & ~oneWay;
      for (; at < end; at = (at + width) | 0) {
        const unlikeSource = fields[at + recordFields.source] ^ source;
        const unlikeDestination = fields[at + recordFields.destination] ^ destination;
        // A mask: all ones for the way back, else zero.
        const back = (unlikeSource | -unlikeSource) >> 31;
        if (((unlikeSource ^ (swapped & back)) | (unlikeSource ^ unlikeDestination)) !== 0) break;
        const length = fields[at + recordFields.length];
        bytes = (bytes + length) | 0;
        backPackets = (backPackets - back) | 0;
        backBytes = (backBytes + (length & back)) | 0;
      }
      const packets = ((at - first) / width) | 0;

      // Multiplicative hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4).
      const hash = Math.imul(source, 0x9e3779b1) ^ Math.imul(destination, 0x85ebca6b);
      const pair = ((hash >>> 16) & (remembered - 1)) * pairFields.width;
      if (pairs[pair] !== source || pairs[pair + pairFields.destination] !== destination) {
        pairs[pair] = source;
        pairs[pair + pairFields.destination] = destination;
        pairs[pair + pairFields.from] = lookup.v4(source, 0);
        pairs[pair + pairFields.to] = lookup.v4(destination, 0);
      }
      const from = pairs[pair + pairFields.from];
      const to = pairs[pair + pairFields.to];

      if (!apart) runs.add(from, to, fields[first] - lead, fields[at] - lead, packets);
      else {
        for (let of = first; of < at; of += width) {
          runs.add(from, to, fields[of], ends[(of / width) | 0], 1);
        }
      }
      if ((from & to) < 0) {
        othersPackets = (othersPackets + packets) | 0;
        othersBytes = (othersBytes + bytes) | 0;
        continue;
      }
      labelledPackets = (labelledPackets + packets) | 0;
      labelledBytes = (labelledBytes + bytes) | 0;
      if (from >= 0) {
        outPackets[from] += packets - backPackets;
        outBytes[from] += bytes - backBytes;
        inPackets[from] += backPackets;
        inBytes[from] += backBytes;
        if (from === to) {
          selfPackets[from] += packets;
          selfBytes[from] += bytes;
        }
      }
      if (to >= 0) {
        outPackets[to] += backPackets;
        outBytes[to] += backBytes;
        inPackets[to] += packets - backPackets;
        inBytes[to] += bytes - backBytes;
      }
    }
    counters.packets += count;
    counters.bytes += labelledBytes + othersBytes;
    counters.labelledPackets += labelledPackets;
    counters.labelledBytes += labelledBytes;
    counters.othersPackets += othersPackets;
    counters.othersBytes += othersBytes;
  };
}
