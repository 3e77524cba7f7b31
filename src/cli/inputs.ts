/** Keeps outputs from replacing the captures that they are made of. */
import { statSync } from 'node:fs';
import { LbcapError } from '../errors.js';
import type { Sequence } from '../sequence.js';
import { occupied } from '../sinks/output-place.js';

/**
 * `--force` would unlink the capture before it is read.
 * @param directory where the outputs go; `null` when that is no directory
 * @param outputs names of files in it
 * @throws USAGE
 */
export function refuseInputs(
  files: readonly string[],
  directory: string | null,
  outputs: Sequence<string>,
): void {
  const inputs = new Map<string, string>();
  for (const file of files) {
    const id = file === '-' ? null : identity(file);
    if (id !== null) inputs.set(id, file);
  }
  if (directory === null) return;
  for (const output of occupied(directory, outputs)) {
    const file = inputs.get(identity(output) ?? '');
    if (file !== undefined) {
      throw new LbcapError('USAGE', `${output} is the input ${file} itself`, 'give another --out');
    }
  }
}

/** Device and inode; `null` for what cannot be looked at: opening it will say why. */
function identity(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
