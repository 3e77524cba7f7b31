/** Which addresses a label can lend its name to. */
import type { NamedAddress } from '../formats/pcapng-write.js';
import { blockSize, bytesOf, valueOf } from '../labels/address.js';
import type { Label } from '../labels/label.js';

/** A label with more addresses than this is a network: names for each would say nothing. */
const mostAddresses = 16;

/**
 * The label's name for each of its addresses; none for many, and none where a port tells the label from
 * others at the same address.
 */
export function labelNames(label: Label | undefined): NamedAddress[] {
  if (label === undefined) return [];
  const whole = label.endpoints.filter(({ port }) => port === null);
  const sizes = whole.map(({ family, prefix }) => blockSize(family, prefix));
  if (sizes.reduce((sum, size) => sum + size, 0n) > mostAddresses) return [];
  return whole.flatMap(({ family, address }, index) =>
    Array.from({ length: Number(sizes[index]) }, (_, offset) => ({
      address: bytesOf(family, valueOf(address) + BigInt(offset)),
      name: label.name,
    })),
  );
}
