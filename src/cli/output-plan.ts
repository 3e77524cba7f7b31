/** Where a capture's packets go: the directory, and a name for each output of the classifier. */
import { join } from 'node:path';
import { LbcapError } from '../errors.js';
import { namesOf } from '../labels/label-columns.js';
import type { Label } from '../labels/label.js';
import { itemAt, LazySequence, mapped, type Sequence } from '../sequence.js';
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
  readonly names: Sequence<string>;
  /** The file that each begins with; empty for a stream. */
  readonly paths: Sequence<string>;
  readonly othersPath: string | null;
}

/** `lbcap-<yyyymmdd-hhmmss>` in local time. */
export function defaultDirectory(now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `lbcap-${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

/** @throws USAGE when a label wants the name that `--others` takes */
export function planOutput(labels: Sequence<Label>, options: OutputOptions): OutputPlan {
  const { others, stream } = options;
  const own = namesOf(labels);
  if (others) {
    const clash = nameLike(own, othersName);
    if (clash !== null) {
      throw new LbcapError(
        'USAGE',
        `the label ${clash} and --others both want ${stream ? 'the name' : 'the file'} ${othersName}${stream ? '' : endingOf(options)}`,
        'give the label another name',
      );
    }
  }
  const names = others
    ? new LazySequence(own.length + 1, (output) => own.at(output) ?? othersName)
    : own;
  if (stream) return { options, directory: null, names, paths: [], othersPath: null };
  const directory = options.directory ?? defaultDirectory(new Date());
  const paths = mapped(firstFiles(names, options), (file) => join(directory, file));
  return {
    options,
    directory,
    names,
    paths,
    othersPath: others ? itemAt(paths, own.length) : null,
  };
}

/** Files that this plan would replace, or refuse to: those of its names, and of its rings. */
export function claimedFiles({ directory, names, options }: OutputPlan): Sequence<string> {
  const files = firstFiles(names, options);
  if (directory === null || options.rotation === null) return files;
  return [...files, ...existingRings(directory, names, endingOf(options))];
}

/** What the file of each name is called that it begins with. */
function firstFiles(names: Sequence<string>, options: OutputOptions): Sequence<string> {
  const ending = endingOf(options);
  const isNumbered = options.rotation !== null;
  return mapped(names, (name) => `${isNumbered ? numberedName(name, 1) : name}${ending}`);
}

function endingOf({ kind, compression }: OutputOptions): string {
  return fileEnding(kind, compression === null ? null : compressions[compression]);
}

/** The first name that is the wanted one but for case. */
function nameLike(names: Sequence<string>, wanted: string): string | null {
  for (const name of names) if (name.toLowerCase() === wanted) return name;
  return null;
}
