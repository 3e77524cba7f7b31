/** Link types that are not on the fast path. */
import type { FindIp } from './ether-type.js';
import type { LinkLayer } from './link-layer.js';

/** Its fast path can never be met. */
export function rareLink(name: string, findIp: FindIp): LinkLayer {
  return { name, findIp, fastIpv4: { offset: 0, mask: 0, value: 1, ip: 0 } };
}
