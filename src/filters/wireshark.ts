/** Labels to display filters in Wireshark's language (wireshark-filter(4)). */
import { formatBlock } from '../labels/address.js';
import type { Endpoint, Label } from '../labels/label.js';

/**
 * One expression for all labels, `ip.addr==127.0.0.2 || ip.addr==127.0.1.0/28`, with no
 * parentheses around it. A port is matched on the side of its address, for TCP, UDP and SCTP.
 *
 * Where it differs from lbcap's own idea of a label, by the language's design: a header that is
 * quoted inside an ICMP error (or tunnelled) matches as well; and of a fragmented datagram
 * Wireshark finds the ports in the packet that completes it, unless `ip.defragment` and
 * `ipv6.defragment` are off.
 */
export function displayFilter(labels: readonly Label[]): string {
  return labels
    .flatMap((label) => label.endpoints)
    .map(displayTerm)
    .join(' || ');
}

const portedProtocols = ['tcp', 'udp', 'sctp'];

/** One endpoint: a comparison, or two groups in parentheses that are or-ed. */
export function displayTerm(endpoint: Endpoint): string {
  const layer = endpoint.family === 4 ? 'ip' : 'ipv6';
  const block = formatBlock(endpoint);
  const { port } = endpoint;
  if (port === null) return `${layer}.addr==${block}`;
  return ['src', 'dst']
    .map((side) => {
      const ports = portedProtocols.map((protocol) => `${protocol}.${side}port==${port}`);
      return `(${layer}.${side}==${block} && (${ports.join(' || ')}))`;
    })
    .join(' || ');
}
