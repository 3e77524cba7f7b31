/** IP addresses as text, as bytes and as numbers: pure arithmetic. */
import type { AddressBytes, Endpoint } from './label.js';

export type Family = 4 | 6;

/** An address as an unsigned number: up to 2^32 - 1 for IPv4, up to 2^128 - 1 for IPv6. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** Every address from `first` to `last`, both included. */
export interface AddressRange {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

const dot = 0x2e;
const zero = 0x30;

/** Bits of an address: 32 or 128. */
export function widthOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** How many addresses a block with this prefix length holds. */
export function blockSize(family: Family, prefix: number): bigint {
  return 1n << BigInt(widthOf(family) - prefix);
}

/** Four decimal numbers without leading zeros (which some programs read as octal), else `null`. */
export function parseIPv4(text: string): bigint | null {
  const bytes = ipv4Bytes(text);
  return bytes === null ? null : valueOf(bytes);
}

/** The same as bytes. Character by character: a registry may hold 65,536 of them. */
export function ipv4Bytes(text: string): AddressBytes | null {
  const bytes = new Uint8Array(4);
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === dot) {
      if (digits === 0 || part === 3) return null;
      bytes[part++] = value;
      digits = value = 0;
      continue;
    }
    const digit = code - zero;
    if (digit < 0 || digit > 9 || (digits > 0 && value === 0)) return null;
    value = value * 10 + digit;
    digits++;
    if (value > 255) return null;
  }
  if (part !== 3 || digits === 0) return null;
  bytes[3] = value;
  return bytes;
}

/** RFC 4291, section 2.2, all three forms; no zone. Anything else is `null`. */
export function parseIPv6(text: string): bigint | null {
  let head = text;
  let tail = '';
  const gap = text.indexOf('::');
  if (gap !== -1) {
    head = text.slice(0, gap);
    tail = text.slice(gap + 2);
  }
  const before = groupsOf(head, gap === -1);
  const after = groupsOf(tail, true);
  if (before === null || after === null) return null;
  const missing = 8 - before.length - after.length;
  if (gap === -1 ? missing !== 0 : missing < 1) return null;
  let value = 0n;
  for (const group of before) value = (value << 16n) | BigInt(group);
  value <<= BigInt(16 * missing);
  for (const group of after) value = (value << 16n) | BigInt(group);
  return value;
}

/** The 16-bit groups of one side of `::`; an IPv4 address may end the last side. */
function groupsOf(text: string, mayEndInIPv4: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (mayEndInIPv4 && index === parts.length - 1 && part.includes('.')) {
      const embedded = parseIPv4(part);
      if (embedded === null) return null;
      groups.push(Number(embedded >> 16n), Number(embedded & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
    } else {
      return null;
    }
  }
  return groups;
}

/** An address of either family; IPv4-mapped IPv6 stays IPv6 here. `null` when it is neither. */
export function parseAddress(text: string): Address | null {
  const family: Family = text.includes(':') ? 6 : 4;
  const value = family === 6 ? parseIPv6(text) : parseIPv4(text);
  return value === null ? null : { family, value };
}

/** The address inside `::ffff:0:0/96` (RFC 4291, section 2.5.5.2), else `null`. */
export function mappedIPv4(value: bigint): bigint | null {
  return value >> 32n === 0xffffn ? value & 0xffff_ffffn : null;
}

export function bytesOf(family: Family, value: bigint): AddressBytes {
  const bytes = new Uint8Array(widthOf(family) / 8);
  let rest = value;
  for (let i = bytes.length - 1; i >= 0; i -= 1) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

export function valueOf(bytes: AddressBytes): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** Dotted decimal, or the canonical text of RFC 5952, section 4. */
export function formatAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i] << 8) | bytes[i + 1]);
  const { start, length } = longestZeroRun(groups);
  const hex = (part: readonly number[]): string =>
    part.map((group) => group.toString(16)).join(':');
  // A single zero group is never shortened (section 4.2.2).
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The first of the longest runs of zeros (RFC 5952, section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < groups.length; i += 1) {
    let length = 0;
    while (i + length < groups.length && groups[i + length] === 0) length += 1;
    if (length > best.length) best = { start: i, length };
    i += length;
  }
  return best;
}

/** `127.0.0.2`, or `127.0.1.0/28` for more than one address. */
export function formatBlock(block: Pick<Endpoint, 'family' | 'address' | 'prefix'>): string {
  const address = formatAddress(block.address);
  return block.prefix === widthOf(block.family) ? address : `${address}/${block.prefix}`;
}

/** As `-l` takes it: `127.0.1.0/28:9092`, `[::1]:9092`, `::1`. */
export function formatEndpoint(endpoint: Endpoint): string {
  const block = formatBlock(endpoint);
  if (endpoint.port === null) return block;
  return endpoint.family === 6 ? `[${block}]:${endpoint.port}` : `${block}:${endpoint.port}`;
}

/** First and last address of a block. */
export function rangeOf(endpoint: Endpoint): AddressRange {
  const first = valueOf(endpoint.address);
  const last = first + blockSize(endpoint.family, endpoint.prefix) - 1n;
  return { family: endpoint.family, first, last };
}
