/** Loopback addresses on FreeBSD: ifconfig(8), rc.conf(5). */
import type { AliasSystem } from './alias-system.js';

export const freebsdAliases: AliasSystem = {
  interface: 'lo0',
  blocksAreLocal: false,
  // On the subnet of lo0's first address "a non-conflicting netmask must be given".
  add: (family, address) =>
    family === 4
      ? ['ifconfig', 'lo0', 'inet', address, 'netmask', '255.255.255.255', 'alias']
      : ['ifconfig', 'lo0', 'inet6', address, 'prefixlen', '128', 'alias'],
  remove: (family, address) => [
    ...(['ifconfig', 'lo0', family === 4 ? 'inet' : 'inet6', address, '-alias'] as const),
  ],
  persistence: null,
  persistenceAdvice:
    'put it into rc.conf: sysrc ifconfig_lo0_aliases="inet 127.0.0.2/32 inet6 fd00::2/128"',
};
