/** One ADDR of `-l NAME=ADDR[,ADDR…]` to the range of addresses and the port that it means. */
import { LbcapError } from '../errors.js';
import {
  blockSize,
  bytesOf,
  formatAddress,
  mappedIPv4,
  parseAddress,
  widthOf,
  type Address,
  type AddressRange,
  type Family,
} from './address.js';
import type { PortedRange } from './blocks.js';
import { quote } from './quote.js';

/**
 * Reads one address text. A port stands behind any IPv4 form (`127.0.1.0/28:9092`,
 * `127.0.1.1-127.0.1.8:9092`) and behind any IPv6 form in brackets (`[::1]:9092`,
 * `[fd00::/64]:9092`). IPv4-mapped IPv6 becomes IPv4.
 *
 * Whatever could be read in two ways is refused: numbers with leading zeros, blocks with host
 * bits set (tcpdump refuses them too), zones.
 *
 * @throws LbcapError `LABEL_ADDRESS`
 */
export function parseEndpoint(text: string): PortedRange {
  if (text === '') throw wrong('an address is empty', 'write one, such as 127.0.0.2');
  if (text.includes('%')) {
    throw wrong(`${quote(text)} has a zone`, `leave out ${quote(text.slice(text.indexOf('%')))}`);
  }
  const { body, port } = splitPort(text);
  const range = parseBody(text, body);
  return { ...range, port: port === null ? null : parsePort(text, port) };
}

function splitPort(text: string): { body: string; port: string | null } {
  if (text.startsWith('[')) {
    const match = /^\[([^[\]]*)\](?::(.*))?$/s.exec(text);
    if (match === null) {
      throw wrong(`${quote(text)} has brackets out of place`, 'write [::1]:9092');
    }
    const body = match[1] ?? '';
    if (!body.includes(':')) {
      throw wrong(
        `${quote(text)} has brackets around something that is not IPv6`,
        'write 127.0.0.1:9092 without them',
      );
    }
    return { body, port: match[2] ?? null };
  }
  // Valid IPv6, but never what its writer meant.
  const loopback = /^::1:([0-9]{1,5})$/.exec(text);
  if (loopback !== null) {
    throw wrong(
      `${quote(text)} could be an address or a port of ::1`,
      `write [::1]:${loopback[1] ?? ''} for the port, ${text.replace('::1:', '0:0:0:0:0:0:1:')} for the address`,
    );
  }
  // A single colon is never IPv6; two or more, without brackets, always are.
  const colon = text.indexOf(':');
  if (colon === -1 || colon !== text.lastIndexOf(':')) return { body: text, port: null };
  return { body: text.slice(0, colon), port: text.slice(colon + 1) };
}

function parsePort(text: string, port: string): number {
  if (!/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > 65_535) {
    throw wrong(`${quote(port)} in ${quote(text)} is not a port`, 'write a number from 1 to 65535');
  }
  return Number(port);
}

function parseBody(text: string, body: string): AddressRange {
  if (body.includes('/')) return parseBlock(text, body);
  const dash = body.indexOf('-');
  if (dash !== -1) return parseRange(text, body.slice(0, dash), body.slice(dash + 1));
  const { family, value } = unmapped(addressOf(text, body));
  return { family, first: value, last: value };
}

function parseBlock(text: string, body: string): AddressRange {
  const slash = body.indexOf('/');
  const address = addressOf(text, body.slice(0, slash));
  const length = body.slice(slash + 1);
  const width = widthOf(address.family);
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > width) {
    throw wrong(
      `${quote(`/${length}`)} in ${quote(text)} is not a prefix length`,
      `write a number from 0 to ${width}`,
    );
  }
  const prefix = Number(length);
  const size = blockSize(address.family, prefix);
  const first = address.value - (address.value % size);
  if (first !== address.value) {
    const block = `${textOf(address.family, first)}/${prefix}`;
    throw wrong(
      `${quote(text)} has bits set beyond its prefix`,
      `write ${block} for the block or ${textOf(address.family, address.value)} for the one address`,
    );
  }
  const start = prefix >= 96 ? unmapped(address) : address;
  return { family: start.family, first: start.value, last: start.value + size - 1n };
}

function parseRange(text: string, from: string, to: string): AddressRange {
  const first = unmapped(addressOf(text, from));
  const last = unmapped(addressOf(text, to));
  if (first.family !== last.family) {
    throw wrong(`${quote(text)} goes from one IP version to the other`, 'write two ranges');
  }
  if (first.value > last.value) {
    throw wrong(`the range ${quote(text)} is reversed`, `write ${to}-${from}`);
  }
  return { family: first.family, first: first.value, last: last.value };
}

function addressOf(text: string, part: string): Address {
  const address = parseAddress(part);
  if (address !== null) return address;
  const where = part === text ? quote(part) : `${quote(part)} in ${quote(text)}`;
  throw wrong(`${where} is not an address`, reasonAgainst(part));
}

/** What the writer most likely did. */
function reasonAgainst(part: string): string {
  if (/^[0-9]+(?:\.[0-9]+)*$/.test(part)) {
    const numbers = part.split('.');
    if (numbers.length !== 4) return 'IPv4 has four numbers, such as 127.0.0.2';
    if (numbers.some((number) => /^0[0-9]/.test(number))) {
      return 'write its numbers without leading zeros';
    }
    return 'each of its numbers goes from 0 to 255';
  }
  if (part.includes(':')) return 'write IPv6 such as ::1, or [::1]:9092 with a port';
  return 'write an IP address, a block or a range, such as 127.0.0.2 or 127.0.1.0/28';
}

function unmapped(address: Address): Address {
  const value = address.family === 6 ? mappedIPv4(address.value) : null;
  return value === null ? address : { family: 4, value };
}

function textOf(family: Family, value: bigint): string {
  return formatAddress(bytesOf(family, value));
}

function wrong(problem: string, remedy: string): LbcapError {
  return new LbcapError('LABEL_ADDRESS', problem, remedy);
}
