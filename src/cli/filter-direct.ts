/**
 * `lbcap filter` without commander: loading commander takes half as long as node's own start, and
 * this command is called from shell substitutions.
 */
import { parseArgs } from 'node:util';
import { checkFilterOptions, filterOutput } from './filter-output.js';
import { loadLabels } from './options.js';

/**
 * What `lbcap filter` prints, or `null` when its arguments hold anything unusual (`--help`, a
 * mistake): then it is commander's turn, which says what is wrong. Where both could answer they
 * give the same.
 *
 * @param words what follows `filter` on the command line
 * @throws LbcapError as the command does
 */
export function filterDirectly(words: readonly string[]): string | null {
  const options = readOptions(words);
  if (options === null) return null;
  checkFilterOptions(options);
  return filterOutput([...loadLabels(options)], options);
}

function readOptions(words: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        label: { type: 'string', short: 'l', multiple: true },
        labels: { type: 'string' },
        for: { type: 'string' },
        each: { type: 'boolean' },
        json: { type: 'boolean' },
        interface: { type: 'string', short: 'i' },
      },
    });
    return values;
  } catch {
    return null;
  }
}
