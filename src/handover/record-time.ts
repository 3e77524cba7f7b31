/** When a record was captured, roughly and exactly. */
import { recordLayout, type BatchFormat } from '../packet/batch.js';

/** Seconds since 1970 as near as a double has them, a quarter of a microsecond. */
export function secondsAt(view: DataView, record: number, format: BatchFormat): number {
  const little = !format.bigEndian;
  const first = view.getUint32(record, little);
  const second = view.getUint32(record + recordLayout.fraction, little);
  const { blocks } = format;
  if (blocks !== undefined) return (first * 2 ** 32 + second) * blocks.tick + blocks.offset;
  return first + second * (format.nanoseconds ? 1e-9 : 1e-6);
}

/** Nanoseconds since 1970; seconds are taken modulo 2^32, as in a pcap file. */
export function nanosecondsAt(view: DataView, record: number, format: BatchFormat): bigint {
  const little = !format.bigEndian;
  const first = view.getUint32(record, little);
  const second = view.getUint32(record + recordLayout.fraction, little);
  const { blocks } = format;
  if (blocks === undefined) {
    return BigInt(first) * 1_000_000_000n + BigInt(second) * (format.nanoseconds ? 1n : 1000n);
  }
  const ticks = (BigInt(first) << 32n) | BigInt(second);
  const perSecond = BigInt(Math.round(1 / blocks.tick));
  const seconds = BigInt.asUintN(32, ticks / perSecond + BigInt(blocks.offset));
  return seconds * 1_000_000_000n + ((ticks % perSecond) * 1_000_000_000n) / perSecond;
}
