/** When a record was captured. */
import { recordLayout, type BatchFormat } from '../packet/batch.js';

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
