/** Chains: hops of which each begins, after the one before, at the address that received it. */
import type { Hop, HopEnd } from './hop.js';

/** Who is on the way, as `label or address`; and how often that way was taken. */
export interface Chain {
  readonly path: readonly string[];
  times: number;
  /** First packet of the first time, nanoseconds since the report's first. */
  readonly start: number;
}

/** One hop and the hop that it can have come from. */
interface Link {
  readonly hop: Hop;
  readonly before: Link | null;
  /** Addresses so far: a chain visits none twice, or peers that talk both ways would have no end. */
  readonly visited: ReadonlySet<string>;
}

/** Longer ways are cut: nobody reads them, and each holds its addresses. */
const longest = 16;

/**
 * The distinct ways of three stations or more, in order of their first packet. Only order and address
 * are looked at, not what was said; a hop is linked to the last one that its sender received before.
 * @param hops in order of their first packet
 */
export function chainsOf(hops: readonly Hop[], nameOf: (end: HopEnd) => string): Chain[] {
  /** The last hop that an address received. */
  const received = new Map<string, Link>();
  const leaves = new Set<Link>();
  for (const hop of hops) {
    const { from, to } = hop;
    // Of one that began earlier it is not known what it came after.
    if (!isAnswered(hop) || from.address === to.address) continue;
    const last = received.get(from.address) ?? null;
    const before =
      last !== null && !last.visited.has(to.address) && last.visited.size < longest ? last : null;
    const visited = new Set(before?.visited ?? [from.address]).add(to.address);
    const link = { hop, before, visited };
    if (before !== null) leaves.delete(before);
    leaves.add(link);
    received.set(to.address, link);
  }
  const chains = new Map<string, Chain>();
  for (const leaf of leaves) {
    const path: string[] = [nameOf(leaf.hop.to)];
    let root = leaf;
    for (let link: Link | null = leaf; link !== null; link = link.before) {
      path.unshift(nameOf(link.hop.from));
      root = link;
    }
    if (path.length < 3) continue;
    const key = path.join('\n');
    const known = chains.get(key);
    if (known === undefined) chains.set(key, { path, times: 1, start: root.hop.start });
    else known.times++;
  }
  return [...chains.values()].sort((a, b) => a.start - b.start);
}

function isAnswered({ complete, ending }: Hop): boolean {
  return complete && ending !== 'refused' && ending !== 'unanswered' && ending !== 'one way';
}
