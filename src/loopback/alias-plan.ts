/** Which addresses labels need on the loopback and which of them are there. Pure. */
import { LbcapError } from '../errors.js';
import { blockSize, valueOf, type Address } from '../labels/address.js';
import type { Endpoint } from '../labels/label.js';
import type { LoopbackAddress } from './addresses.js';
import { textOf } from './alias-system.js';

/** Each is an entry of the interface that the system walks through. */
export const mostAliases = 4096;

/** A block of which all is there or nothing has been asked, else one address. */
export interface PlannedBlock {
  readonly endpoint: Endpoint;
  /** Its addresses that are not there. */
  readonly missing: readonly Address[];
  /** Its addresses that are there by themselves, not as part of a block that is local. */
  readonly present: readonly Address[];
}

/**
 * @param blocksAreLocal as `AliasSystem` says it
 * @throws USAGE for more than `mostAliases` addresses that would need one each
 */
export function planAliases(
  endpoints: readonly Endpoint[],
  existing: readonly LoopbackAddress[],
  blocksAreLocal: boolean,
): PlannedBlock[] {
  const single = new Set(existing.map(keyOf));
  let total = 0;
  return endpoints.map((endpoint) => {
    if (blocksAreLocal && existing.some((entry) => holds(entry, endpoint))) {
      return { endpoint, missing: [], present: existing.filter((entry) => isIt(entry, endpoint)) };
    }
    const count = blockSize(endpoint.family, endpoint.prefix);
    total += Number(count);
    if (total > mostAliases) {
      throw new LbcapError(
        'USAGE',
        `more than ${mostAliases} addresses would have to be added one by one`,
        'name fewer',
      );
    }
    const addresses = Array.from({ length: Number(count) }, (_, index) => ({
      family: endpoint.family,
      value: valueOf(endpoint.address) + BigInt(index),
    }));
    return {
      endpoint,
      missing: addresses.filter((address) => !single.has(keyOf(address))),
      present: addresses.filter((address) => single.has(keyOf(address))),
    };
  });
}

/** 127.0.0.1, ::1 and link-local addresses: the system's own, which are never removed. */
export function isOfSystem({ family, value }: Address): boolean {
  return family === 4 ? value === 0x7f00_0001n : value === 1n || value >> 118n === 0x3fan;
}

/** An IPv4 address and its network hold all of the endpoint's block. */
function holds(entry: LoopbackAddress, { family, address, prefix }: Endpoint): boolean {
  if (entry.family !== 4 || family !== 4 || prefix < entry.prefix) return false;
  const hostBits = BigInt(32 - entry.prefix);
  return valueOf(address) >> hostBits === entry.value >> hostBits;
}

function isIt(entry: LoopbackAddress, { family, address, prefix }: Endpoint): boolean {
  const single = blockSize(family, prefix) === 1n;
  return single && entry.family === family && entry.value === valueOf(address);
}

function keyOf(address: Address): string {
  return textOf(address);
}
