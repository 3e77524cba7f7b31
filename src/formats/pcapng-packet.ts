/** pcap records to Enhanced Packet Blocks (draft-ietf-opsawg-pcapng, section 4.3). Pure. */
import { recordLayout } from '../packet/batch.js';
import {
  blockTypes,
  optionCodes,
  enhancedPacketLayout as layout,
  padded,
} from './pcapng-layout.js';

/** Flags option: code, length, 32 bits; then the end of options. */
const flagsSize = 12;
const trailerSize = 4;

/** The longest block that a record with so many captured bytes becomes. */
export function longestBlock(capturedLength: number): number {
  return layout.data + padded(capturedLength) + flagsSize + trailerSize;
}

/** Bytes and a view of the same memory. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** How the records that are encoded look. */
export interface RecordFormat {
  readonly bigEndian: boolean;
  readonly nanoseconds: boolean;
}

/** Timestamps come out in nanoseconds. */
export class PacketEncoder {
  readonly #from: Memory;
  #little = true;
  #unit = 1;
  /** Nanoseconds at the start of the second that was last met, as two 32-bit words. */
  #second = -1;
  #high = 0;
  #low = 0;

  constructor(from: Memory) {
    this.#from = from;
  }

  begin(format: RecordFormat): void {
    this.#little = !format.bigEndian;
    this.#unit = format.nanoseconds ? 1 : 1000;
  }

  /** Where the record behind this one begins. */
  recordEnd(record: number): number {
    return (
      record +
      recordLayout.size +
      this.#from.view.getUint32(record + recordLayout.capturedLength, this.#little)
    );
  }

  /** @param direction bits of the flags word; 0 writes no flags */
  sizeOf(record: number, direction: number): number {
    const captured = this.#from.view.getUint32(record + recordLayout.capturedLength, this.#little);
    return layout.data + padded(captured) + (direction === 0 ? 0 : flagsSize) + trailerSize;
  }

  /** Writes the block, `sizeOf` bytes of it, little-endian. */
  encode(record: number, direction: number, interfaceId: number, to: Memory, at: number): void {
    const { view } = this.#from;
    const { bytes, view: target } = to;
    const captured = view.getUint32(record + recordLayout.capturedLength, this.#little);
    const size = this.sizeOf(record, direction);
    target.setUint32(at, blockTypes.enhancedPacket, true);
    target.setUint32(at + 4, size, true);
    target.setUint32(at + layout.interfaceId, interfaceId, true);
    this.#encodeTime(record, target, at);
    target.setUint32(at + layout.capturedLength, captured, true);
    target.setUint32(
      at + layout.originalLength,
      view.getUint32(record + recordLayout.originalLength, this.#little),
      true,
    );
    const data = record + recordLayout.size;
    if (bytes === this.#from.bytes) bytes.copyWithin(at + layout.data, data, data + captured);
    else bytes.set(this.#from.bytes.subarray(data, data + captured), at + layout.data);
    let end = at + layout.data + captured;
    const aligned = at + layout.data + padded(captured);
    while (end < aligned) bytes[end++] = 0;
    if (direction !== 0) {
      target.setUint16(end, optionCodes.packet.flags, true);
      target.setUint16(end + 2, 4, true);
      target.setUint32(end + 4, direction, true);
      target.setUint32(end + 8, optionCodes.end, true);
      end += flagsSize;
    }
    target.setUint32(end, size, true);
  }

  #encodeTime(record: number, target: DataView, at: number): void {
    const { view } = this.#from;
    const seconds = view.getUint32(record + recordLayout.seconds, this.#little);
    if (seconds !== this.#second) {
      const start = BigInt(seconds) * 1_000_000_000n;
      this.#second = seconds;
      this.#high = Number(start >> 32n);
      this.#low = Number(start & 0xffff_ffffn);
    }
    // A fraction of more than a second, which damaged files have, carries as any other.
    const low =
      this.#low + view.getUint32(record + recordLayout.fraction, this.#little) * this.#unit;
    const carry = Math.floor(low / 2 ** 32);
    target.setUint32(at + layout.timestampHigh, this.#high + carry, true);
    target.setUint32(at + layout.timestampLow, low >>> 0, true);
  }

  /** The record's time in nanoseconds since 1970. */
  timeOf(record: number): bigint {
    const { view } = this.#from;
    return (
      BigInt(view.getUint32(record + recordLayout.seconds, this.#little)) * 1_000_000_000n +
      BigInt(view.getUint32(record + recordLayout.fraction, this.#little) * this.#unit)
    );
  }
}
