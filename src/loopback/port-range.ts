/** The ports that the kernel gives to connections: text to numbers, without reading anything. */
import { LbcapError } from '../errors.js';

/** From `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Which ports connect(2) takes from. */
export interface EphemeralPorts {
  readonly range: PortRange;
  /** Where the range is from: `net.ipv4.ip_local_port_range`. */
  readonly origin: string;
  /** Ports that connect(2) passes over (net.ipv4.ip_local_reserved_ports). */
  readonly reserved: readonly PortRange[];
}

/** Of RFC 6335, section 6, where nobody says otherwise. */
export const dynamicPorts: PortRange = { first: 49_152, last: 65_535 };

/**
 * `32768	60999`, as in /proc/sys/net/ipv4/ip_local_port_range.
 *
 * @throws LbcapError `INPUT_FORMAT`
 */
export function parsePortRange(text: string): PortRange {
  const match = /^\s*([0-9]{1,5})\s+([0-9]{1,5})\s*$/.exec(text);
  const range = { first: Number(match?.[1] ?? NaN), last: Number(match?.[2] ?? NaN) };
  if (isRange(range)) return range;
  throw new LbcapError('INPUT_FORMAT', `${JSON.stringify(text.slice(0, 40))} is not a port range`);
}

/**
 * `8080,9148-9150`, or nothing, as in /proc/sys/net/ipv4/ip_local_reserved_ports.
 *
 * @throws LbcapError `INPUT_FORMAT`
 */
export function parsePortList(text: string): PortRange[] {
  if (text.trim() === '') return [];
  return text
    .trim()
    .split(',')
    .map((part) => {
      const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(part);
      const first = Number(match?.[1] ?? NaN);
      const range = { first, last: Number(match?.[2] ?? first) };
      if (isRange(range)) return range;
      throw new LbcapError(
        'INPUT_FORMAT',
        `${JSON.stringify(part.slice(0, 40))} is not a port or a range of ports`,
      );
    });
}

function isRange({ first, last }: PortRange): boolean {
  return first >= 0 && first <= last && last <= 65_535;
}

/**
 * The ports that connect(2) can give, as a map of 65536 bytes, 1 for yes. It passes over ports that
 * somebody bound, at whatever address (__inet_hash_connect() in net/ipv4/inet_hashtables.c). It
 * counts in pairs of an even and an odd port: of a range of odd length one call looks at all but
 * one, not always the same.
 *
 * @param bound ports of listeners
 */
export function usablePorts(
  { range, reserved }: EphemeralPorts,
  bound: Iterable<number>,
): Uint8Array {
  const usable = new Uint8Array(65_536);
  usable.fill(1, range.first, range.last + 1);
  for (const { first, last } of reserved) usable.fill(0, first, last + 1);
  for (const port of bound) usable[port] = 0;
  return usable;
}

export function countPorts(usable: Uint8Array): number {
  // Not `reduce`: its closure is called 65536 times, which a live capture would notice.
  let count = 0;
  for (let port = 0; port < usable.length; port++) count += usable[port];
  return count;
}
