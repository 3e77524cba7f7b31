/** `--labels-from-file`: the names that captures carry for addresses, as labels. */
import { LbcapError } from '../errors.js';
import { CapturedNames } from '../handover/captured-names.js';
import type { Label } from '../labels/label.js';
import { createArena } from '../packet/arena.js';
import { openFileInput } from '../sources/file-input.js';
import { openCapture } from '../sources/open.js';
import { fileRegionSizes } from '../sources/window.js';

/**
 * Words like those after `--label`, of every name that is one for a label. An address that `given` has,
 * or an earlier name, keeps it; a name of `given` is not added to.
 * @throws USAGE for standard input, which can be read only once; what opening throws
 */
export async function labelsFromFiles(
  files: readonly string[],
  given: readonly Label[],
): Promise<string[]> {
  const names = new CapturedNames(given);
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
      onNames: (view, start, end, little) => {
        names.take(view, start, end, little);
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
  return names.entries.map(([name, addresses]) => `${name}=${addresses.join(',')}`);
}
