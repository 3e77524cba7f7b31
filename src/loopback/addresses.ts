/** The addresses on this machine's loopback interface. */
import { networkInterfaces } from 'node:os';
import { parseAddress, type Address } from '../labels/address.js';

/** An address and the length of its network's prefix. */
export interface LoopbackAddress extends Address {
  /** Without the prefix, as the system writes it. */
  readonly text: string;
  readonly prefix: number;
}

/** In the system's order; only of interfaces that are up. */
export function loopbackAddresses(): LoopbackAddress[] {
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal }) => internal)
    .flatMap(({ address: text, cidr }) => {
      const address = parseAddress(text);
      const prefix = Number(cidr?.split('/').at(1));
      return address === null || Number.isNaN(prefix) ? [] : [{ ...address, text, prefix }];
    });
}
