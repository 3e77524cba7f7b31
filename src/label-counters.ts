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

/** Counters are per label, bytes as on the wire. A label's file holds `out + in - self` packets. */
export class LabelCounters {
  readonly outPackets: Float64Array;
  readonly outBytes: Float64Array;
  readonly inPackets: Float64Array;
  readonly inBytes: Float64Array;
  /** Both ends are the label's: counted in `out` and in `in`. */
  readonly selfPackets: Float64Array;
  readonly selfBytes: Float64Array;
  /**
   * Of all packets, by `totalOf`. Not fields: V8 takes a field that begins as 0 for a small integer, and
   * throws away everything that was compiled with it at 2 GiB.
   */
  readonly totals = new Float64Array(totalOf.size);

  /**
   * @param place where the counters of labels are to be, in this order: `sizeOf` bytes, all zero, at a
   *   multiple of 8
   */
  constructor(labels: number, place?: { buffer: ArrayBufferLike; at: number }) {
    const { buffer, at } = place ?? {
      buffer: new ArrayBuffer(LabelCounters.sizeOf(labels)),
      at: 0,
    };
    const size = labels * Float64Array.BYTES_PER_ELEMENT;
    this.outPackets = new Float64Array(buffer, at, labels);
    this.outBytes = new Float64Array(buffer, at + size, labels);
    this.inPackets = new Float64Array(buffer, at + 2 * size, labels);
    this.inBytes = new Float64Array(buffer, at + 3 * size, labels);
    this.selfPackets = new Float64Array(buffer, at + 4 * size, labels);
    this.selfBytes = new Float64Array(buffer, at + 5 * size, labels);
  }

  /** Bytes. */
  static sizeOf(labels: number): number {
    return 6 * labels * Float64Array.BYTES_PER_ELEMENT;
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
    if (from >= 0) {
      this.outPackets[from]++;
      this.outBytes[from] += bytes;
      if (to === from) {
        this.selfPackets[to]++;
        this.selfBytes[to] += bytes;
      }
    }
    if (to >= 0) {
      this.inPackets[to]++;
      this.inBytes[to] += bytes;
    }
  }
}
