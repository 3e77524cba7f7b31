/** Finds the next pcapng block that can be believed, behind damage. */
import { blockLayout, blockTypes } from './pcapng-layout.js';
import { sectionByteOrder } from './pcapng-section.js';

const knownTypes: ReadonlySet<number> = new Set(
  Object.values(blockTypes).filter((type) => typeof type === 'number'),
);

export interface FoundBlock {
  /** Where it begins, or where the bytes begin of which nothing can be said yet. */
  readonly at: number;
  /** False when more bytes are needed to be sure. */
  readonly isSure: boolean;
}

/**
 * Looks at every byte of `[from, end)`: a block of a known type whose lengths at its start and end agree is
 * never there by chance.
 * @param longest blocks longer than this are not believed
 */
export function findBlock(
  view: DataView,
  from: number,
  end: number,
  little: boolean,
  longest: number,
): FoundBlock {
  for (let at = from; at + blockLayout.overhead <= end; at++) {
    const order = sectionByteOrder(view, at);
    const isLittle = order === null ? little : order === 'little';
    if (order === null) {
      const type = view.getUint32(at + blockLayout.type, isLittle);
      if (!knownTypes.has(type) || type === blockTypes.sectionHeader) continue;
    }
    const total = view.getUint32(at + blockLayout.totalLength, isLittle);
    if ((total & 3) !== 0 || total < blockLayout.overhead || total > longest) continue;
    const trailer = at + total - blockLayout.trailer;
    if (at + total > end) return { at, isSure: false };
    if (view.getUint32(trailer, isLittle) === total) return { at, isSure: true };
  }
  return { at: Math.max(from, end - blockLayout.overhead + 1), isSure: false };
}
