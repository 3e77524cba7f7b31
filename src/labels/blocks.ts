/** Ranges of addresses to the shortest list of CIDR blocks. */
import { blockSize, bytesOf, rangeOf, widthOf, type AddressRange } from './address.js';
import type { Endpoint } from './label.js';

/** A range and the port that was written with it. */
export interface PortedRange extends AddressRange {
  readonly port: number | null;
}

/** The fewest blocks that hold exactly the range: the largest that fits, from the left. */
export function blocksOf(range: PortedRange): Endpoint[] {
  const { family, port } = range;
  const width = widthOf(family);
  const blocks: Endpoint[] = [];
  let next = range.first;
  while (next <= range.last) {
    let prefix = width;
    while (prefix > 0) {
      const size = blockSize(family, prefix - 1);
      if ((next & (size - 1n)) !== 0n || next + size - 1n > range.last) break;
      prefix -= 1;
    }
    blocks.push({ family, address: bytesOf(family, next), prefix, port });
    next += blockSize(family, prefix);
  }
  return blocks;
}

/**
 * The shortest list of blocks for all ranges of one label. Ranges of one port that touch or
 * overlap become one; a block with a port goes where the whole of it belongs to the label anyway.
 * The order is that of the first range written for each block.
 */
export function mergedBlocks(ranges: readonly PortedRange[]): Endpoint[] {
  // What nearly every label is, and there may be 65,536 of them.
  if (ranges.length === 1) return blocksOf(ranges[0]);
  const groups = new Map<string, PortedRange[]>();
  for (const range of ranges) {
    const key = `${range.family} ${range.port ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [range]);
    else group.push(range);
  }
  const rank = new Map(ranges.map((range, index) => [range, index]));
  const merged: { range: PortedRange; rank: number }[] = [];
  for (const group of groups.values()) {
    group.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
    let current: { range: PortedRange; rank: number } | null = null;
    for (const range of group) {
      if (current !== null && range.first <= current.range.last + 1n) {
        const last: bigint = range.last > current.range.last ? range.last : current.range.last;
        current.range = { ...current.range, last };
        current.rank = Math.min(current.rank, rank.get(range) ?? 0);
      } else {
        current = { range, rank: rank.get(range) ?? 0 };
        merged.push(current);
      }
    }
  }
  merged.sort((a, b) => a.rank - b.rank);
  const whole = merged.map(({ range }) => range).filter((range) => range.port === null);
  return merged
    .flatMap(({ range }) => blocksOf(range))
    .filter((block) => block.port === null || !whole.some((range) => holds(range, block)));
}

function holds(range: AddressRange, block: Endpoint): boolean {
  const inner = rangeOf(block);
  return range.family === inner.family && range.first <= inner.first && inner.last <= range.last;
}
