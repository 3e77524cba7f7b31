/** How many addresses a number of connections takes, and the label that has them. */
import { LbcapError } from '../errors.js';
import { rangeOf } from './address.js';
import { freeAddresses } from './allocation.js';
import type { HostsEntry } from './hosts.js';
import type { Label } from './label.js';
import { quote } from './quote.js';

export interface Pool {
  readonly name: string;
  /** What stands behind `=`. */
  readonly text: string;
  /** IPv4 addresses in it. */
  readonly addresses: number;
}

/**
 * The label with at least `addresses` IPv4 addresses: as it is where it has enough, else with the
 * lowest free ones of 127.0.0.0/8 behind its own.
 *
 * @param label what there is; `null` for a new one
 * @param taken all labels there are, this one among them
 * @throws LbcapError `LABEL_ADDRESS` for a label with a port, `ADDRESSES_EXHAUSTED`
 */
export function poolOf(
  addresses: number,
  name: string,
  label: Label | null,
  taken: readonly Label[],
  hosts: readonly HostsEntry[],
): Pool {
  if (label?.endpoints.some(({ port }) => port !== null) === true) {
    throw new LbcapError(
      'LABEL_ADDRESS',
      `label ${quote(name)} has a port (${label.text}), which many connections cannot share`,
      'give it addresses without one, or leave it out for a new label',
    );
  }
  const own = label === null ? 0 : ipv4Count(label);
  if (label !== null && own >= addresses) return { name, text: label.text, addresses: own };
  const more = freeAddresses(addresses - own, name, taken, hosts);
  return { name, text: label === null ? more : `${label.text},${more}`, addresses };
}

function ipv4Count({ endpoints }: Label): number {
  let count = 0;
  for (const endpoint of endpoints) {
    const { family, first, last } = rangeOf(endpoint);
    if (family === 4) count += Number(last - first + 1n);
  }
  return count;
}

/** `load`, or `load-2` and so on where labels have that name. */
export function freeName(name: string, labels: readonly Label[]): string {
  const names = new Set(labels.map((label) => label.name));
  if (!names.has(name)) return name;
  let number = 2;
  while (names.has(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}
