/** The first loopback address that nobody has: what `label add NAME` takes. */
import { LbcapError } from '../errors.js';
import { bytesOf, formatAddress, rangeOf } from './address.js';
import { ipv4Of, type HostsEntry } from './hosts.js';
import type { Label } from './label.js';

/** 127.0.0.0/8. */
export const loopback = { first: 0x7f00_0000, last: 0x7fff_ffff } as const;

/**
 * Addresses that programs already sit on: everybody's localhost, systemd-resolved's two stub
 * resolvers (systemd-resolved.service(8)), and the machine's own name on Debian.
 */
const spokenFor: ReadonlySet<number> = new Set([
  0x7f00_0001, // 127.0.0.1
  0x7f00_0035, // 127.0.0.53
  0x7f00_0036, // 127.0.0.54
  0x7f00_0101, // 127.0.1.1
]);

/** True for an address that no label should take by itself. Network order as a number. */
export function isSpokenFor(address: number): boolean {
  return spokenFor.has(address);
}

/**
 * The lowest free address of 127.0.0.0/8, as text. Never one that ends in 0 or 255: with one mask
 * or another these are a network's own or its broadcast address.
 *
 * @param name the new label; an address that the hosts file gives this very name is free for it
 * @throws LbcapError `ADDRESSES_EXHAUSTED`
 */
export function firstFreeAddress(
  name: string,
  labels: readonly Label[],
  hosts: readonly HostsEntry[],
): string {
  return freeAddresses(1, name, labels, hosts);
}

/**
 * The lowest `count` free addresses, as `-l` takes them: `127.0.0.2-127.0.0.9,127.0.0.12`.
 *
 * @param name as for `firstFreeAddress`
 * @throws LbcapError `ADDRESSES_EXHAUSTED`
 */
export function freeAddresses(
  count: number,
  name: string,
  labels: readonly Label[],
  hosts: readonly HostsEntry[],
): string {
  const runs: { first: number; last: number }[] = [];
  let left = count;
  for (const address of eachFreeAddress(name, labels, hosts)) {
    const run = runs.at(-1);
    if (run?.last === address - 1) run.last = address;
    else runs.push({ first: address, last: address });
    left -= 1;
    if (left === 0) return runs.map(textOf).join(',');
  }
  throw new LbcapError(
    'ADDRESSES_EXHAUSTED',
    count === 1 ? 'no loopback address is free' : `${count} loopback addresses are not free`,
    `remove labels that are no longer used, or name an address: lbcap label add ${name} ADDRESS`,
  );
}

function* eachFreeAddress(
  name: string,
  labels: readonly Label[],
  hosts: readonly HostsEntry[],
): Generator<number> {
  const named = new Set<number>();
  for (const entry of hosts) {
    const address = ipv4Of(entry);
    if (address !== null && entry.names.some((other) => other !== name)) named.add(address);
  }
  // A label may hold millions of addresses: step over its ranges, not through them.
  const taken = labels
    .flatMap((label) => label.endpoints)
    .filter((endpoint) => endpoint.family === 4)
    .map(rangeOf)
    .map(({ first, last }) => ({ first: Number(first), last: Number(last) }))
    .sort((a, b) => a.first - b.first);
  let next = 0;
  for (let address: number = loopback.first; address <= loopback.last; address += 1) {
    while (next < taken.length && taken[next].last < address) next += 1;
    if (next < taken.length && taken[next].first <= address) {
      address = taken[next].last;
      continue;
    }
    const lowest = address & 0xff;
    if (lowest === 0 || lowest === 255 || isSpokenFor(address) || named.has(address)) continue;
    yield address;
  }
}

function textOf({ first, last }: { first: number; last: number }): string {
  const text = (address: number) => formatAddress(bytesOf(4, BigInt(address)));
  return first === last ? text(first) : `${text(first)}-${text(last)}`;
}
