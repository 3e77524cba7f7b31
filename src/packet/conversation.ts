/** Neighbouring packets between the same two addresses: most packets are counted here, and nowhere else. */
import {
  blockLengthBefore,
  maximumRecordSize,
  recordLayout,
  type Batch,
  type RecordIndex,
} from './batch.js';
import { ipv4Layout } from './ip.js';
import { linkLayerOf, unknownLayer } from './link-layer.js';

/** Bytes walked in one go at most; with `longestPacket` it keeps every sum below 2^31. */
const longestWalk = 64 * 1024;
/** Longer ones (by the wire's length) are left to others: they are few. */
const longestPacket = 1024 * 1024;
/** Version 4, a header of five words: no options. */
const plainIpv4 = 0x45;

/**
 * A walk over records of plain IPv4 (no options) that goes on for as long as the two addresses stay the
 * same, either way round. It is short so that V8 keeps all of it in registers and compiles it at once;
 * the direction is told without a branch, since no processor can predict it.
 */
export class Conversation {
  /** What the last walk took: packets and (wire) bytes, and how much of it was from `destination`. */
  packets = 0;
  bytes = 0;
  backPackets = 0;
  backBytes = 0;
  /** Where the last of them begins. */
  last = 0;
  /** The addresses as `DataView.getInt32` reads them; one-way, the source is first, else any. */
  source = 0;
  destination = 0;
  readonly #view: DataView;
  /** A mask: all ones or none. */
  readonly #oneWay: number;
  #little = true;
  /** Where pcapng's blocks are. */
  #index: RecordIndex | undefined = undefined;
  #typeOffset = 0;
  #typeMask = 0;
  #typeValue = 0;
  #ip = 0;

  /** @param oneWay a walk ends where the direction changes, too */
  constructor(view: DataView, oneWay: boolean) {
    this.#view = view;
    this.#oneWay = oneWay ? -1 : 0;
  }

  begin({ format, index }: Batch): void {
    const { fastIpv4 } = linkLayerOf(format.linkType) ?? unknownLayer;
    this.#little = !format.bigEndian;
    this.#typeOffset = recordLayout.size + fastIpv4.offset;
    this.#typeMask = fastIpv4.mask;
    this.#typeValue = fastIpv4.value;
    this.#ip = recordLayout.size + fastIpv4.ip;
    this.#index = format.blocks === undefined ? undefined : index;
  }

  /**
   * Walks from the record at `at` on: records that follow one another at once, or pcapng blocks that do.
   * @param limit no packet that is taken ends beyond it
   * @param number of the first record, in the batch's index
   * @returns where the record after the last one taken would be; `at` when even the first was not
   */
  walk(at: number, limit: number, number: number): number {
    const view = this.#view;
    const little = this.#little;
    const typeOffset = this.#typeOffset;
    const typeMask = this.#typeMask;
    const typeValue = this.#typeValue;
    const ipOffset = this.#ip;
    const oneWay = this.#oneWay;
    const index = this.#index;
    const shortest = ipOffset + ipv4Layout.minimumSize;
    const stop = Math.min(limit, at + longestWalk);
    let packets = 0;
    let bytes = 0;
    let backPackets = 0;
    let backBytes = 0;
    let source = 0;
    let destination = 0;
    let last = at;
    if (at + shortest <= stop) {
      const from = view.getInt32(at + ipOffset + ipv4Layout.source);
      const to = view.getInt32(at + ipOffset + ipv4Layout.destination);
      // The smaller address first, whoever speaks first, without a branch: what is then done for the two
      // ends goes the same ways more often. The lowest bit is lost, which makes no wrong answer.
      const swap = (((to >>> 1) - (from >>> 1)) >> 31) & ~oneWay & (from ^ to);
      source = from ^ swap;
      destination = to ^ swap;
    }
    while (at + shortest <= stop) {
      const captured = view.getInt32(at + recordLayout.capturedLength, little);
      const wire = view.getInt32(at + recordLayout.originalLength, little);
      const size = recordLayout.size + captured;
      const ip = at + ipOffset;
      const front = view.getInt32(ip);
      if (
        // Both ends of what can be believed in one compare, as everywhere: too small wraps around.
        (size - shortest) >>> 0 > maximumRecordSize - shortest ||
        at + size > stop ||
        wire >>> 0 > longestPacket ||
        (view.getUint16(at + typeOffset) & typeMask) !== typeValue ||
        front >>> 24 !== plainIpv4 ||
        // 0 is what a sender with segmentation offload leaves there.
        ((front & 0xffff) - 1) >>> 0 < ipv4Layout.minimumSize - 1
      ) {
        break;
      }
      const from = view.getInt32(ip + ipv4Layout.source);
      const to = view.getInt32(ip + ipv4Layout.destination);
      const unlikeForth = (from ^ source) | (to ^ destination);
      const unlikeBack = (from ^ destination) | (to ^ source);
      // As masks: all ones where the packet does not go that way, else zero.
      const notForth = (unlikeForth | -unlikeForth) >> 31;
      const notBack = ((unlikeBack | -unlikeBack) >> 31) | oneWay;
      if ((notForth & notBack) !== 0) break;
      packets = (packets + 1) | 0;
      bytes = (bytes + wire) | 0;
      backPackets = (backPackets - notForth) | 0;
      backBytes = (backBytes + (wire & notForth)) | 0;
      last = at;
      if (index === undefined) at += size;
      else {
        at += view.getInt32(at - blockLengthBefore, little);
        number++;
        // Another block lies between, or this was the last.
        if (number >= index.count || index.starts[number] !== at) break;
      }
    }
    this.last = last;
    this.source = source;
    this.destination = destination;
    this.packets = packets;
    this.bytes = bytes;
    this.backPackets = backPackets;
    this.backBytes = backBytes;
    return at;
  }
}
