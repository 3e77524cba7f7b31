/** Reads the text of a registry straight into columns, without an object for each label. */
import { LbcapError } from '../errors.js';
import { type Columns, LabelColumns } from './label-columns.js';
import type { Label } from './label.js';
import { parseLabel } from './parse.js';
import { RegistryText, token } from './registry-text.js';

/** Characters of the shortest entry there can be: `"a":"1",`. */
const shortestEntry = 8;

/**
 * Takes `{"labels": {NAME: ADDR | [ADDR, …], …}}` with nothing beside it, no escapes, and each name
 * once. Whatever is otherwise, or wrong, is left to `parseRegistry`, which says why.
 *
 * @param bytes UTF-8
 * @returns `null` when it is not so
 */
export function scanRegistry(bytes: Buffer): LabelColumns | null {
  const text = new RegistryText(bytes);
  const most = Math.ceil(bytes.length / shortestEntry);
  const nameStarts = new Int32Array(most);
  const nameLengths = new Uint8Array(most);
  const nameHashes = new Int32Array(most);
  const addresses = new Int32Array(most);
  const others = new Map<number, Label>();
  if (!text.take(token.objectBegin) || !text.takeName() || text.name !== 'labels') return null;
  if (!text.take(token.colon) || !text.take(token.objectBegin)) return null;
  let count = 0;
  do {
    if (!text.takeName() || !text.take(token.colon)) return null;
    nameStarts[count] = text.nameStart;
    nameLengths[count] = text.nameLength;
    nameHashes[count] = text.nameHash;
    if (text.takeAddress()) {
      addresses[count] = text.address;
    } else {
      const label = takeOther(text);
      if (label === null) return null;
      others.set(count, label);
    }
    count++;
  } while (text.take(token.comma));
  if (!text.take(token.objectEnd) || !text.take(token.objectEnd) || !text.isAtEnd) return null;
  const columns = {
    text: bytes,
    nameStarts: nameStarts.slice(0, count),
    nameLengths: nameLengths.slice(0, count),
    addresses: addresses.slice(0, count),
    others,
  };
  return areDifferent(columns, nameHashes.subarray(0, count)) ? new LabelColumns(columns) : null;
}

/** The label whose name was taken last, of whatever addresses follow; `null` when they are none. */
function takeOther(text: RegistryText): Label | null {
  const { name } = text;
  const addresses = text.takeStrings();
  if (addresses === null) return null;
  try {
    return parseLabel(name, addresses);
  } catch (error) {
    if (error instanceof LbcapError) return null;
    throw error;
  }
}

/** Beyond so many looks for each name, somebody has made names that meet: the long way bears it. */
const mostLooks = 16;

/** Whether no name is there twice; false also when that takes too long to tell. */
function areDifferent({ text, nameStarts, nameLengths }: Columns, hashes: Int32Array): boolean {
  const count = hashes.length;
  const bits = Math.ceil(Math.log2(count * 2));
  const last = 2 ** bits - 1;
  /** A name's index plus one. */
  const slots = new Int32Array(last + 1);
  let looks = count * mostLooks;
  for (let index = 0; index < count; index++) {
    const hash = hashes[index];
    let slot = (hash ^ (hash >>> 15)) & last;
    for (; slots[slot] !== 0; slot = (slot + 1) & last) {
      const other = slots[slot] - 1;
      if (--looks === 0) return false;
      if (hashes[other] !== hash) continue;
      const start = nameStarts[index];
      const otherStart = nameStarts[other];
      const end = start + nameLengths[index];
      const otherEnd = otherStart + nameLengths[other];
      if (text.compare(text, otherStart, otherEnd, start, end) === 0) return false;
    }
    slots[slot] = index + 1;
  }
  return true;
}
