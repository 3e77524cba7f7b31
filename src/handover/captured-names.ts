/** The names that captures carry for addresses, as labels. */
import { readNames } from '../formats/pcapng-names.js';
import type { AddressBytes, Label } from '../labels/label.js';
import { compileLookup, type LabelLookup } from '../labels/lookup.js';
import { isLabelName } from '../labels/parse.js';

/** More names than this are not kept: a capture of the whole net has no label for each. */
const mostNames = 65_536;

/** An address as `-l` takes it, whatever it is: `::1:5`, for one, is refused for looking like a port. */
export function exactAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] << 8) | bytes[i + 1]).toString(16));
  return groups.join(':');
}

/**
 * Takes every name that could be a label's. An address that a given label or an earlier name has keeps
 * it; a name of a given label is not added to.
 */
export class CapturedNames {
  readonly #lookup: LabelLookup;
  readonly #taken: ReadonlySet<string>;
  readonly #owners = new Set<string>();
  readonly #addresses = new Map<string, string[]>();

  constructor(given: readonly Label[]) {
    this.#lookup = compileLookup(given);
    this.#taken = new Set(given.map(({ name }) => name));
  }

  /** Takes a whole name resolution block at `[start, end)` of the view. */
  take(view: DataView, start: number, end: number, little: boolean): void {
    for (const { family, address, names } of readNames(view, start, end, little)) {
      const lookup = this.#lookup;
      const owner =
        family === 4 ? lookup.v4(view.getInt32(address), 0) : lookup.v6(view, address, 0);
      const size = family === 4 ? 4 : 16;
      const text = exactAddress(new Uint8Array(view.buffer, view.byteOffset + address, size));
      const [name] = names;
      if (owner >= 0 || this.#owners.has(text) || this.#taken.has(name) || !isLabelName(name)) {
        continue;
      }
      if (this.#owners.size === mostNames) return;
      this.#owners.add(text);
      this.#addresses.set(name, [...(this.#addresses.get(name) ?? []), text]);
    }
  }

  /** A name, and its addresses as `exactAddress` has them. */
  get entries(): [name: string, addresses: readonly string[]][] {
    return [...this.#addresses];
  }
}
