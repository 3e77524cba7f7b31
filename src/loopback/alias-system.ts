/** What adding and removing loopback addresses is on each operating system. */
import { LbcapError } from '../errors.js';
import { formatAddress, bytesOf, type Address } from '../labels/address.js';
import { freebsdAliases } from './alias-freebsd.js';
import { linuxAliases } from './alias-linux.js';
import { macosAliases } from './alias-macos.js';
import type { Platform } from './platform.js';

/** A program and its arguments. */
export type Words = readonly [program: string, ...words: string[]];

/** A file that gives the addresses back at every start of the system. */
export interface Persistence {
  readonly path: string;
  readonly text: (commands: readonly Words[]) => string;
}

export interface AliasSystem {
  readonly interface: string;
  /**
   * An IPv4 address with a prefix below 32 makes its whole block local, as Linux does for its
   * loopback: no address of 127.0.0.0/8 needs adding there.
   */
  readonly blocksAreLocal: boolean;
  /** @param address as text, without a prefix */
  add(family: Address['family'], address: string): Words;
  remove(family: Address['family'], address: string): Words;
  /** `null` where the system has its own place for it: `persistenceAdvice` names that. */
  readonly persistence: Persistence | null;
  readonly persistenceAdvice: string;
}

/** @throws PLATFORM_UNSUPPORTED */
export function aliasSystem(platform: Platform): AliasSystem {
  switch (platform) {
    case 'linux':
      return linuxAliases;
    case 'darwin':
      return macosAliases;
    case 'freebsd':
      return freebsdAliases;
    default:
      throw new LbcapError(
        'PLATFORM_UNSUPPORTED',
        'lbcap does not know how this system adds loopback addresses',
        'see its ifconfig(8)',
      );
  }
}

export function textOf({ family, value }: Address): string {
  return formatAddress(bytesOf(family, value));
}
