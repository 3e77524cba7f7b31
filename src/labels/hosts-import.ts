/** Which names of a hosts file make labels. */
import { bytesOf, formatAddress, rangeOf } from './address.js';
import { isSpokenFor, loopback } from './allocation.js';
import { ipv4Of, type HostsEntry } from './hosts.js';
import type { Label } from './label.js';
import { isLabelName } from './parse.js';

/** A name and its loopback addresses, in the file's order. */
export interface ImportedLabel {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** What was left out, and why, for people. */
export interface SkippedHost {
  readonly name: string;
  readonly address: string;
  readonly reason: string;
}

/**
 * The first name of each 127.x address. Left out: addresses that are everybody's (127.0.0.1 and
 * the like), the names of localhost, what is no label name, and what a label has already.
 */
export function importHosts(
  hosts: readonly HostsEntry[],
  labels: readonly Label[],
): { taken: ImportedLabel[]; skipped: SkippedHost[] } {
  const names = new Set(labels.map((label) => label.name));
  const owners = new Map<number, string>();
  const taken = new Map<string, string[]>();
  const skipped: SkippedHost[] = [];
  for (const entry of hosts) {
    const value = ipv4Of(entry);
    if (value === null || value < loopback.first || value > loopback.last) continue;
    const [name] = entry.names;
    const address = formatAddress(bytesOf(4, BigInt(value)));
    const owner = owners.get(value) ?? ownerOf(labels, value);
    const reason = isSpokenFor(value)
      ? `${address} is everybody's`
      : /^localhost(?:[0-9.]|$)/i.test(name)
        ? 'it means this machine'
        : !isLabelName(name)
          ? 'it is not a label name'
          : names.has(name)
            ? 'there is a label of that name'
            : owner !== null && owner !== name
              ? `label ${owner} has ${address}`
              : null;
    if (reason !== null) {
      skipped.push({ name, address, reason });
    } else if (owner === null) {
      owners.set(value, name);
      taken.set(name, [...(taken.get(name) ?? []), address]);
    }
  }
  return {
    taken: [...taken].map(([name, addresses]) => ({ name, addresses })),
    skipped,
  };
}

function ownerOf(labels: readonly Label[], address: number): string | null {
  const value = BigInt(address);
  const owner = labels.find((label) =>
    label.endpoints.some((endpoint) => {
      const { first, last } = rangeOf(endpoint);
      return endpoint.family === 4 && first <= value && value <= last;
    }),
  );
  return owner?.name ?? null;
}
