/** Destinations as a program passes them to connect(2): struct sockaddr_in and sockaddr_in6. */
import { mappedIPv4, valueOf } from '../labels/address.js';
import { socketFamily } from '../native/foreign-socket.js';

/** A destination on this machine's loopback. */
export interface LoopbackDestination {
  /** 127/8, IPv4-mapped too, or 0.0.0.0; else ::1 or [::]. */
  readonly kind: 'ipv4' | 'ipv6';
  /** 4 bytes for `ipv4`, 16 for `ipv6`. */
  readonly address: Uint8Array;
  /** 0.0.0.0 or [::], which must become 127.0.0.1 or ::1. */
  readonly unspecified: boolean;
  readonly port: number;
}

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

/** @returns `null` for what is not this machine's loopback */
export function destinationOf(name: Buffer): LoopbackDestination | null {
  const read = readName(name);
  if (read === null) return null;
  const { address, port } = read;
  const value = valueOf(address);
  const ipv4 = address.length === 4 ? value : mappedIPv4(value);
  if (ipv4 !== null) {
    if (ipv4 >> 24n !== 127n && ipv4 !== 0n) return null;
    return { kind: 'ipv4', address: address.subarray(-4), unspecified: ipv4 === 0n, port };
  }
  return value <= 1n ? { kind: 'ipv6', address, unspecified: value === 0n, port } : null;
}
