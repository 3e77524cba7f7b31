/** hosts(5): which names stand for which addresses. */
import { mappedIPv4, parseAddress } from './address.js';

/** One line of a hosts file. */
export interface HostsEntry {
  /** As written. */
  readonly address: string;
  readonly names: readonly string[];
}

/** Lines that are comments, blank or without a readable address are passed over, as libc does. */
export function parseHosts(text: string): HostsEntry[] {
  const entries: HostsEntry[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [address, ...names] = line
      .replace(/#.*/, '')
      .split(/[ \t]+/)
      .filter(Boolean);
    if (address === undefined || names.length === 0 || parseAddress(address) === null) continue;
    entries.push({ address, names });
  }
  return entries;
}

/** The address as an IPv4 number when it is one, IPv4-mapped IPv6 among them; else `null`. */
export function ipv4Of(entry: HostsEntry): number | null {
  const address = parseAddress(entry.address);
  if (address === null) return null;
  const value = address.family === 4 ? address.value : mappedIPv4(address.value);
  return value === null ? null : Number(value);
}
