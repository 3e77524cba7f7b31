/** The names in a pcapng name resolution block (draft-ietf-opsawg-pcapng, section 4.5). */
import { blockLayout, nameRecords, optionLayout, padded } from './pcapng-layout.js';

export interface NameRecord {
  readonly family: 4 | 6;
  /** Offset of the 4 or 16 bytes of the address. */
  readonly address: number;
  readonly names: readonly string[];
}

/** Reads the block at `[start, end)`; a record that goes beyond it is the last. */
export function* readNames(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
): Generator<NameRecord> {
  const last = end - blockLayout.trailer;
  let at = start + blockLayout.body;
  while (at + optionLayout.value <= last) {
    const type = view.getUint16(at + optionLayout.code, little);
    const length = view.getUint16(at + optionLayout.length, little);
    const address = at + optionLayout.value;
    if (type === nameRecords.end || address + length > last) return;
    at = address + padded(length);
    const size = type === nameRecords.ipv4 ? 4 : type === nameRecords.ipv6 ? 16 : 0;
    if (size === 0 || length <= size) continue;
    const { buffer, byteOffset } = view;
    const text = Buffer.from(buffer, byteOffset + address + size, length - size).toString('utf8');
    const names = text.split('\0').filter((name) => name !== '');
    if (names.length > 0) yield { family: size === 4 ? 4 : 6, address, names };
  }
}
