/** The kernel's filter for a live capture: everything that labels could select, and little more. */
import { blockSize, bytesOf, valueOf, widthOf } from '../labels/address.js';
import type { Endpoint, Label } from '../labels/label.js';
import { bpfTerm } from './bpf.js';

/**
 * About this many comparisons stay well below the 4096 instructions that Linux takes
 * (BPF_MAXINSNS), whatever their kind, and compile in a tenth of a second.
 */
const mostTerms = 64;

/**
 * Words that move the offsets of everything behind them (pcap-filter(7)): labels that are and-ed
 * with them would look in the wrong place.
 */
const offsetMoving = /\b(?:vlan|mpls|pppoes|geneve)\b/;

/** Frames whose addresses `host` cannot see: all with a VLAN tag, which a loopback has none of. */
const tagged = 'ether proto 0x8100 or ether proto 0x88a8 or ether proto 0x9100';

/** IPv6 whose ports `port` cannot see: neither TCP, UDP, SCTP nor ICMPv6 comes first. */
const extended = '(ip6 and ip6[6] != 6 and ip6[6] != 17 and ip6[6] != 132 and ip6[6] != 58)';

/**
 * The filter text for the kernel, or `null` to capture everything. It selects no less than lbcap's
 * own classification does of what the user's filter passes, so classification has the last word:
 * many labels are coarsened to covering blocks, tagged frames and IPv6 extension headers pass.
 *
 * The user's filter must have been compiled alone before: inside parentheses that it closes
 * itself it could mean something else.
 *
 * @param userFilter pcap-filter(7) text; blank counts as none
 * @param others packets of no label are wanted too
 */
export function captureFilter(
  labels: readonly Label[],
  userFilter: string | null,
  others: boolean,
): string | null {
  const user = userFilter === null || userFilter.trim() === '' ? null : userFilter.trim();
  const endpoints = labels.flatMap((label) => label.endpoints);
  if (others || endpoints.length === 0) return user;
  if (user !== null && offsetMoving.test(user)) return user;
  const chosen = coarsened(endpoints);
  const terms = [...chosen.map(bpfTerm), tagged];
  if (chosen.some(({ family, port }) => family === 6 && port !== null)) terms.push(extended);
  const own = terms.join(' or ');
  return user === null ? own : `(${own}) and (${user})`;
}

/** At most `mostTerms` comparisons that hold all endpoints; a port costs two. */
function coarsened(endpoints: readonly Endpoint[]): Endpoint[] {
  const cost = endpoints.reduce((sum, { port }) => sum + (port === null ? 1 : 2), 0);
  if (cost <= mostTerms) return [...endpoints];
  const blocks: Record<Endpoint['family'], Endpoint[]> = { 4: [], 6: [] };
  for (const endpoint of endpoints) blocks[endpoint.family].push({ ...endpoint, port: null });
  const half = mostTerms / 2;
  return [
    ...covered(blocks[4], mostTerms - Math.min(half, blocks[6].length)),
    ...covered(blocks[6], mostTerms - Math.min(half, blocks[4].length)),
  ];
}

/** An endpoint's block as a number. */
interface Block {
  readonly family: Endpoint['family'];
  readonly value: bigint;
  readonly prefix: number;
}

/**
 * Joins neighbours that share a long enough prefix, so that at most `most` groups remain; each
 * group becomes the smallest block that holds it.
 */
function covered(endpoints: readonly Endpoint[], most: number): Endpoint[] {
  const blocks = endpoints
    .map(({ family, address, prefix }) => ({ family, value: valueOf(address), prefix }))
    .sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : a.prefix - b.prefix));
  const shared = blocks.slice(1).map((block, index) => sharedPrefix(blocks[index], block));
  // With n groups there are n - 1 gaps: of the shared prefixes, only the shortest n - 1 stay gaps.
  const enough = [...shared].sort((a, b) => a - b)[most - 1] ?? Infinity;
  const groups: Block[] = [];
  for (const [index, block] of blocks.entries()) {
    const group = groups.at(-1);
    if (group === undefined) {
      groups.push(block);
      continue;
    }
    const common = sharedPrefix(group, block);
    if (shared[index - 1] >= enough || common === group.prefix) {
      groups[groups.length - 1] = { ...group, prefix: common };
    } else {
      groups.push(block);
    }
  }
  return groups.map(({ family, value, prefix }) => {
    const size = blockSize(family, prefix);
    return { family, address: bytesOf(family, value - (value % size)), prefix, port: null };
  });
}

/** How many leading bits two blocks of a family have in common, host bits not counted. */
function sharedPrefix(a: Block, b: Block): number {
  const differing = a.value ^ b.value;
  const different = differing === 0n ? 0 : differing.toString(2).length;
  return Math.min(widthOf(a.family) - different, a.prefix, b.prefix);
}
