/** Where a capture's files go: the directory, and a name for each output of the classifier. */
import { join } from 'node:path';
import { LbcapError } from '../errors.js';
import type { Label } from '../labels/label.js';

/** The name of the file for what belongs to no label. */
const othersName = 'others';

export interface OutputPlan {
  readonly directory: string;
  /** In the order of the classifier's outputs: the labels, then the others if they are kept. */
  readonly names: readonly string[];
  /** The same as paths. */
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
export function planOutput(
  labels: readonly Label[],
  keepOthers: boolean,
  directory: string,
): OutputPlan {
  const names = labels.map((label) => label.name);
  if (keepOthers) {
    const clash = names.find((name) => name.toLowerCase() === othersName);
    if (clash !== undefined) {
      throw new LbcapError(
        'USAGE',
        `the label ${clash} and --others both want the file ${othersName}.pcap`,
        'give the label another name',
      );
    }
    names.push(othersName);
  }
  const paths = names.map((name) => join(directory, `${name}.pcap`));
  return {
    directory,
    names,
    paths,
    othersPath: keepOthers ? paths[paths.length - 1] : null,
  };
}
