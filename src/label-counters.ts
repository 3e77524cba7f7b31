/** What was counted for each label, and for all. */
import { LbcapError } from './errors.js';

/** Where in `LabelCounters.totals` is what. */
export enum totalOf {
  packets = 0,
  bytes = 1,
  labelledPackets = 2,
  labelledBytes = 3,
  othersPackets = 4,
  othersBytes = 5,
  size = 6,
}

/** What is counted for a label, side by side. */
export enum countOf {
  outPackets = 0,
  outBytes = 1,
  inPackets = 2,
  inBytes = 3,
  /** Both ends are the label's: counted in `out` and in `in`. */
  selfPackets = 4,
  selfBytes = 5,
  size = 6,
}

/** A count of packets and of their original (wire) bytes. */
export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

export interface LabelTraffic {
  /** Packets whose source is the label. */
  readonly out: Traffic;
  /** Packets whose destination is the label (a packet to itself counts both ways). */
  readonly in: Traffic;
  /** Packets in the label's file: each once, even when both ends are the label's. */
  readonly total: Traffic;
}

export class LabelCounters {
  /** Of one label behind the other, by `countOf`. */
  readonly counts: Float64Array;
  /**
   * Of all packets, by `totalOf`. Not fields: V8 takes a field that begins as 0 for a small integer, and
   * throws away everything that was compiled with it at 2 GiB.
   */
  readonly totals = new Float64Array(totalOf.size);

  /** @param place where `counts` are to be: `sizeOf` bytes, all zero, at a multiple of 8 */
  constructor(labels: number, place?: { buffer: ArrayBufferLike; at: number }) {
    const { buffer, at } = place ?? {
      buffer: new ArrayBuffer(LabelCounters.sizeOf(labels)),
      at: 0,
    };
    this.counts = new Float64Array(buffer, at, countOf.size * labels);
  }

  /** Bytes. */
  static sizeOf(labels: number): number {
    return countOf.size * labels * Float64Array.BYTES_PER_ELEMENT;
  }

  /** @param label its index */
  of(label: number): LabelTraffic {
    const at = label * countOf.size;
    const [outPackets, outBytes, inPackets, inBytes, selfPackets, selfBytes] = this.counts.subarray(
      at,
      at + countOf.size,
    );
    return {
      out: { packets: outPackets, bytes: outBytes },
      in: { packets: inPackets, bytes: inBytes },
      total: {
        packets: outPackets + inPackets - selfPackets,
        bytes: outBytes + inBytes - selfBytes,
      },
    };
  }

  get packets(): number {
    return this.totals[totalOf.packets];
  }

  get bytes(): number {
    return this.totals[totalOf.bytes];
  }

  get labelledPackets(): number {
    return this.totals[totalOf.labelledPackets];
  }

  get labelledBytes(): number {
    return this.totals[totalOf.labelledBytes];
  }

  get othersPackets(): number {
    return this.totals[totalOf.othersPackets];
  }

  get othersBytes(): number {
    return this.totals[totalOf.othersBytes];
  }

  /** @throws INVARIANT when a packet was counted twice or not at all */
  assertConservation(): void {
    if (
      this.packets === this.labelledPackets + this.othersPackets &&
      this.bytes === this.labelledBytes + this.othersBytes
    ) {
      return;
    }
    throw new LbcapError(
      'INVARIANT',
      `${this.packets} packets came in, but ${this.labelledPackets} labelled and ${this.othersPackets} others were counted`,
      'this is a fault in lbcap, please report it',
    );
  }

  /** Counts a packet from one label, or nobody, to another. */
  count(from: number, to: number, bytes: number): void {
    const { totals } = this;
    totals[totalOf.packets]++;
    totals[totalOf.bytes] += bytes;
    if (from < 0 && to < 0) {
      totals[totalOf.othersPackets]++;
      totals[totalOf.othersBytes] += bytes;
      return;
    }
    totals[totalOf.labelledPackets]++;
    totals[totalOf.labelledBytes] += bytes;
    const { counts } = this;
    if (from >= 0) {
      const at = from * countOf.size;
      counts[at + countOf.outPackets]++;
      counts[at + countOf.outBytes] += bytes;
      if (to === from) {
        counts[at + countOf.selfPackets]++;
        counts[at + countOf.selfBytes] += bytes;
      }
    }
    if (to >= 0) {
      const at = to * countOf.size;
      counts[at + countOf.inPackets]++;
      counts[at + countOf.inBytes] += bytes;
    }
  }
}
