/** Loopback addresses on Linux: ip-address(8). */
import type { AliasSystem } from './alias-system.js';

const wide = { 4: 32, 6: 128 } as const;

export const linuxAliases: AliasSystem = {
  interface: 'lo',
  blocksAreLocal: true,
  add: (family, address) => ['ip', 'address', 'add', `${address}/${wide[family]}`, 'dev', 'lo'],
  remove: (family, address) => [
    ...(['ip', 'address', 'del', `${address}/${wide[family]}`, 'dev', 'lo'] as const),
  ],
  persistence: null,
  persistenceAdvice:
    'give the address to lo in your network configuration (systemd.network(5): [Match] Name=lo, [Network] Address=fd00::2/128)',
};
