/** `--labels-from-file`: the names that captures carry for addresses, as labels. */
import { LbcapError } from '../errors.js';
import { readNames } from '../formats/pcapng-names.js';
import { compileLookup } from '../labels/lookup.js';
import { isLabelName } from '../labels/parse.js';
import type { Label } from '../labels/label.js';
import { createArena } from '../packet/arena.js';
import { openFileInput } from '../sources/byte-input.js';
import { openCapture } from '../sources/open.js';
import { fileRegionSizes } from '../sources/window.js';

/** More names than this are not kept: a capture of the whole net has no label for each. */
const mostNames = 65_536;

/**
 * Words like those after `--label`, of every name that is one for a label. An address that `given` has,
 * or an earlier name, keeps it; a name of `given` is not added to.
 * @throws USAGE for standard input, which can be read only once; what opening throws
 */
export async function labelsFromFiles(
  files: readonly string[],
  given: readonly Label[],
): Promise<string[]> {
  const lookup = compileLookup(given);
  const taken = new Set<string>(given.map(({ name }) => name));
  const owners = new Set<string>();
  const addresses = new Map<string, string[]>();
  const { arena, regions } = createArena(fileRegionSizes);
  for (const file of files) {
    if (file === '-') {
      throw new LbcapError(
        'USAGE',
        '--labels-from-file cannot read standard input',
        'it would have to be read twice: give a file',
      );
    }
    const source = await openCapture(await openFileInput(file), arena, regions, {
      onNames(view, start, end, little) {
        for (const { family, address, names } of readNames(view, start, end, little)) {
          const owned =
            family === 4 ? lookup.v4(view.getInt32(address), 0) : lookup.v6(view, address, 0);
          const text = addressText(view, address, family);
          const [name] = names;
          if (owned >= 0 || owners.has(text) || taken.has(name) || !isLabelName(name)) continue;
          if (owners.size === mostNames) return;
          owners.add(text);
          addresses.set(name, [...(addresses.get(name) ?? []), text]);
        }
      },
    });
    try {
      while ((await source.next()) !== null);
    } catch (error) {
      // What is damaged is told when it is split.
      if (!(error instanceof LbcapError) || error.code !== 'INPUT_DAMAGED') throw error;
    } finally {
      await source.close();
    }
  }
  return [...addresses].map(([name, list]) => `${name}=${list.join(',')}`);
}

function addressText(view: DataView, at: number, family: 4 | 6): string {
  if (family === 4) {
    return [0, 1, 2, 3].map((byte) => view.getUint8(at + byte)).join('.');
  }
  return [0, 2, 4, 6, 8, 10, 12, 14]
    .map((byte) => view.getUint16(at + byte).toString(16))
    .join(':');
}
