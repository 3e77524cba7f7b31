/** Destinations as a program passes them to connect(2): struct sockaddr_in and sockaddr_in6. */
import { mappedIPv4, valueOf } from '../labels/address.js';
import { socketFamily } from '../native/foreign-socket.js';

/** What a connection's destination is to us. */
export type Destination =
  /** Not this machine's loopback. */
  | { readonly kind: 'other' }
  /** 127/8, IPv4-mapped too; 0.0.0.0 must become 127.0.0.1. */
  | { readonly kind: 'ipv4'; readonly unspecified: boolean; readonly port: number }
  /** ::1 or [::]. */
  | { readonly kind: 'ipv6'; readonly unspecified: boolean; readonly port: number };

const other: Destination = { kind: 'other' };

/** An address and port out of a sockaddr; `null` when it is of another family, or too short. */
export function readName(name: Buffer): { address: Buffer; port: number } | null {
  if (name.length < 16) return null;
  const family = name.readUInt16LE(0);
  const port = name.readUInt16BE(2);
  if (family === socketFamily.inet) return { address: name.subarray(4, 8), port };
  // RFC 2133 had no scope: 24 bytes are enough for the kernel.
  if (family === socketFamily.inet6 && name.length >= 24) {
    return { address: name.subarray(8, 24), port };
  }
  return null;
}

/** struct sockaddr_in, or sockaddr_in6 for 16 bytes. */
export function writeName(address: Uint8Array, port: number): Buffer {
  const name = Buffer.alloc(address.length === 4 ? 16 : 28);
  name.writeUInt16LE(address.length === 4 ? socketFamily.inet : socketFamily.inet6, 0);
  name.writeUInt16BE(port, 2);
  name.set(address, address.length === 4 ? 4 : 8);
  return name;
}

/** ::ffff:a.b.c.d */
export function mapped(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address);
}

export function destinationOf(name: Buffer): Destination {
  const read = readName(name);
  if (read === null) return other;
  const { port } = read;
  const value = valueOf(read.address);
  const ipv4 = read.address.length === 4 ? value : mappedIPv4(value);
  if (ipv4 !== null) {
    const loopback = ipv4 >> 24n === 127n;
    return loopback || ipv4 === 0n ? { kind: 'ipv4', unspecified: ipv4 === 0n, port } : other;
  }
  return value <= 1n ? { kind: 'ipv6', unspecified: value === 0n, port } : other;
}
