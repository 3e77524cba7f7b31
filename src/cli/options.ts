/** Options that several commands share, and what they mean. */
import type { Command } from 'commander';
import { LbcapError } from '../errors.js';
import type { Label } from '../labels/label.js';
import { chooseLabels } from '../labels/parse.js';
import { readRegistry } from '../labels/registry.js';
import { findRegistry, type RegistryPlace } from '../labels/registry-path.js';
import type { Sequence } from '../sequence.js';

export interface LabelOptions {
  /** `-l`, in the order given. */
  readonly label?: readonly string[];
  /** `--labels`. */
  readonly labels?: string;
}

/** Adds `-l, --label` and `--labels` to a command. */
export function addLabelOptions(command: Command): Command {
  return addRegistryOption(
    command.option(
      '-l, --label <NAME=ADDR[,ADDR...]>',
      'a client and its loopback addresses (repeatable)',
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    ),
  );
}

/** Adds `--labels` to a command. */
export function addRegistryOption(command: Command): Command {
  return command.option(
    '--labels <FILE>',
    'registry of labels (default: lbcap.json here or above, else the one in ~/.config/lbcap)',
  );
}

/** Where the registry of a command is. */
export function registryPlace(options: Pick<LabelOptions, 'labels'>): RegistryPlace {
  return findRegistry(options.labels, workingDirectory(), process.env);
}

/** The labels of a command, if any. @throws LbcapError whatever is wrong with one */
export function givenLabels(options: LabelOptions): Sequence<Label> {
  return chooseLabels(options.label ?? [], readRegistry(registryPlace(options)));
}

/**
 * The labels of a command, at least one.
 *
 * @throws LbcapError `LABEL_NONE` when there is none, and whatever is wrong with one
 */
export function loadLabels(options: LabelOptions): Sequence<Label> {
  const labels = givenLabels(options);
  if (labels.length > 0) return labels;
  throw new LbcapError(
    'LABEL_NONE',
    'there are no labels',
    'give one with --label NAME=ADDRESS, or keep one with lbcap label add NAME',
  );
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    throw new LbcapError(
      'REGISTRY_IO',
      'the working directory is gone',
      'change to one that exists',
    );
  }
}
