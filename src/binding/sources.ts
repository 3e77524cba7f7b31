/** The addresses of a label that connections can be given as their source. */
import { LbcapError } from '../errors.js';
import { bytesOf, formatAddress, rangeOf, valueOf } from '../labels/address.js';
import type { AddressBytes, Endpoint, Label } from '../labels/label.js';
import { quote } from '../labels/quote.js';

/** `count` addresses that follow on each other and differ in their last 32 bits only. */
export interface AddressRun {
  /** The first of them: 4 or 16 bytes. */
  readonly first: AddressBytes;
  readonly count: number;
}

export interface Sources {
  readonly ipv4: readonly AddressRun[];
  readonly ipv6: readonly AddressRun[];
}

/** More would make a count of 512 KiB in the kernel for each run; 65536 hold 1.8 thousand million. */
export const largestPool = 65_536;

/**
 * @param pool all addresses of the label; else the first of each family
 * @throws LbcapError `LABEL_ADDRESS` for a label with a port, or a pool that is too large
 */
export function sourcesOf(label: Label, pool: boolean): Sources {
  if (label.endpoints.some((endpoint) => endpoint.port !== null)) {
    throw new LbcapError(
      'LABEL_ADDRESS',
      `label ${quote(label.name)} has a port (${label.text}), which a client's connections cannot all have`,
      `give it an address of its own: lbcap run ${label.name}=127.0.0.2 -- COMMAND`,
    );
  }
  const ofFamily = (family: 4 | 6): AddressRun[] => {
    const runs = label.endpoints.filter((endpoint) => endpoint.family === family).map(runOf);
    return pool ? runs : runs.slice(0, 1).map(({ first }) => ({ first, count: 1 }));
  };
  const sources = { ipv4: ofFamily(4), ipv6: ofFamily(6) };
  const most = Math.max(countOf(sources.ipv4), countOf(sources.ipv6));
  if (most <= largestPool) return sources;
  throw new LbcapError(
    'LABEL_ADDRESS',
    `label ${quote(label.name)} has more than ${largestPool} addresses (${label.text})`,
    'give a smaller block; each address holds some 28,000 connections to one port',
  );
}

function runOf(endpoint: Endpoint): AddressRun {
  const { first, last } = rangeOf(endpoint);
  const count = last - first + 1n;
  return { first: endpoint.address, count: count > BigInt(largestPool) ? Infinity : Number(count) };
}

/** How many addresses these are. */
export function countOf(runs: readonly AddressRun[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0);
}

/** Address number `index` of these, 0 the first. */
export function addressAt(runs: readonly AddressRun[], index: number): AddressBytes {
  let left = index;
  for (const { first, count } of runs) {
    if (left < count) {
      return bytesOf(first.length === 4 ? 4 : 6, valueOf(first) + BigInt(left));
    }
    left -= count;
  }
  throw new LbcapError('INVARIANT', `there is no address ${index}`);
}

/** As text, in the order of their numbers. */
export function addressTexts(runs: readonly AddressRun[]): string[] {
  return Array.from({ length: countOf(runs) }, (_, index) => formatAddress(addressAt(runs, index)));
}
