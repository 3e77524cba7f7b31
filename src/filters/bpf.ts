/** Labels to capture filters in libpcap's language (pcap-filter(7)). */
import { formatAddress, formatBlock, widthOf } from '../labels/address.js';
import type { Endpoint, Label } from '../labels/label.js';

/**
 * One expression for all labels, `host 127.0.0.2 or net 127.0.1.0/28`, with no parentheses around
 * it. A port is matched on the side of its address, for TCP, UDP and SCTP.
 *
 * Where it differs from lbcap's own idea of a label, by the language's design: `host` takes ARP
 * packets too and misses those with a VLAN tag; `port` does not look behind IPv6 extension
 * headers.
 */
export function bpfFilter(labels: readonly Label[]): string {
  return labels
    .flatMap((label) => label.endpoints)
    .map(bpfTerm)
    .join(' or ');
}

/**
 * One endpoint. `and` and `or` bind equally in this language, so what has an `and` in it comes
 * in parentheses and may be or-ed with others.
 */
export function bpfTerm(endpoint: Endpoint): string {
  const block =
    endpoint.prefix === widthOf(endpoint.family)
      ? `host ${formatAddress(endpoint.address)}`
      : `net ${formatBlock(endpoint)}`;
  const { port } = endpoint;
  if (port === null) return block;
  return ['src', 'dst'].map((side) => `(${side} ${block} and ${side} port ${port})`).join(' or ');
}
