/** Where a capture's packets go: the directory, and a name for each output of the classifier. */
import { join } from 'node:path';
import { LbcapError } from '../errors.js';
import type { Label } from '../labels/label.js';
import { compressions } from '../sinks/compression.js';
import { fileEnding } from '../sinks/file-names.js';
import { existingRings } from '../sinks/output-place.js';
import { numberedName } from '../sinks/rotation.js';
import type { OutputOptions } from './output-options.js';

/** The name of the file for what belongs to no label. */
const othersName = 'others';

export interface OutputPlan {
  readonly options: OutputOptions;
  /** Of the files; `null` for a stream. */
  readonly directory: string | null;
  /** In the order of the classifier's outputs: the labels, then the others if they are kept. */
  readonly names: readonly string[];
  /** The file that each begins with; empty for a stream. */
  readonly paths: readonly string[];
  readonly othersPath: string | null;
}

/** `lbcap-<yyyymmdd-hhmmss>` in local time. */
export function defaultDirectory(now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `lbcap-${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

/** @throws USAGE when a label wants the name that `--others` takes */
export function planOutput(labels: readonly Label[], options: OutputOptions): OutputPlan {
  const names = labels.map((label) => label.name);
  const { others, stream, rotation } = options;
  const ending = endingOf(options);
  if (others) {
    const clash = names.find((name) => name.toLowerCase() === othersName);
    if (clash !== undefined) {
      throw new LbcapError(
        'USAGE',
        `the label ${clash} and --others both want ${stream ? 'the name' : 'the file'} ${othersName}${stream ? '' : ending}`,
        'give the label another name',
      );
    }
    names.push(othersName);
  }
  if (stream) return { options, directory: null, names, paths: [], othersPath: null };
  const directory = options.directory ?? defaultDirectory(new Date());
  const paths = names.map((name) =>
    join(directory, `${rotation === null ? name : numberedName(name, 1)}${ending}`),
  );
  return {
    options,
    directory,
    names,
    paths,
    othersPath: others ? paths[paths.length - 1] : null,
  };
}

/** Files that this plan would replace, or refuse to: those of its names, and of its rings. */
export function claimedPaths({ directory, names, paths, options }: OutputPlan): string[] {
  if (directory === null || options.rotation === null) return [...paths];
  return [...paths, ...existingRings(directory, names, endingOf(options))];
}

function endingOf({ kind, compression }: OutputOptions): string {
  return fileEnding(kind, compression === null ? null : compressions[compression]);
}
