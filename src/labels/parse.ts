/** What users write, on the command line and in the registry, to checked labels. */
import { LbcapError } from '../errors.js';
import { itemAt, type Sequence } from '../sequence.js';
import { ipv4Bytes } from './address.js';
import { mergedBlocks } from './blocks.js';
import { parseEndpoint } from './endpoint-text.js';
import { LabelColumns, namesOf } from './label-columns.js';
import type { Label } from './label.js';
import { assertNoOverlap } from './overlap.js';
import { quote } from './quote.js';
import type { Registry } from './registry.js';

/** The same rule for file names, Wireshark names and the command line. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
export const longestLabelName = 63;

export function isLabelName(text: string): boolean {
  return namePattern.test(text);
}

/**
 * @throws LbcapError `LABEL_SYNTAX` when it is not `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`
 */
export function checkLabelName(name: string): void {
  if (isLabelName(name)) return;
  throw new LbcapError(
    'LABEL_SYNTAX',
    name === '' ? 'a label has an empty name' : `${quote(name)} is not a label name`,
    'use 1 to 63 letters, digits, dots, underscores and dashes, beginning with a letter or digit',
  );
}

/**
 * Splits `NAME=ADDR[,ADDR…]`. Name and addresses are not checked yet.
 *
 * @throws LbcapError `LABEL_SYNTAX` without a `=`
 */
export function parseLabelOption(text: string): { name: string; addresses: string[] } {
  const equals = text.indexOf('=');
  if (equals === -1) {
    throw new LbcapError(
      'LABEL_SYNTAX',
      `label ${quote(text)} has no address`,
      'write NAME=ADDRESS, such as kafka-client=127.0.0.2',
    );
  }
  return { name: text.slice(0, equals), addresses: text.slice(equals + 1).split(',') };
}

/**
 * A label from its name and address texts.
 *
 * @throws LbcapError `LABEL_SYNTAX` for the name, `LABEL_ADDRESS` for an address
 */
export function parseLabel(name: string, addresses: readonly string[]): Label {
  checkLabelName(name);
  if (addresses.length === 0 || (addresses.length === 1 && addresses[0] === '')) {
    throw new LbcapError(
      'LABEL_ADDRESS',
      `label ${quote(name)} has no address`,
      `write ${name}=ADDRESS, such as ${name}=127.0.0.2`,
    );
  }
  // What nearly every label is.
  const address = addresses.length === 1 ? ipv4Bytes(addresses[0]) : null;
  if (address !== null) {
    return {
      name,
      text: addresses[0],
      endpoints: [{ family: 4, address, prefix: 32, port: null }],
    };
  }
  try {
    const endpoints = mergedBlocks(addresses.map(parseEndpoint));
    return { name, text: addresses.join(','), endpoints };
  } catch (error) {
    if (!(error instanceof LbcapError)) throw error;
    throw new LbcapError('LABEL_ADDRESS', `label ${quote(name)}: ${error.message}`);
  }
}

/** `chooseLabels` as an array. */
export function parseLabels(options: readonly string[], registry: Registry | null): Label[] {
  return [...chooseLabels(options, registry)];
}

/**
 * The labels of a command: those of the registry that the command line does not name again, in
 * the file's order, then those of the command line, in theirs. Where the command line has a bare
 * name, which must be the registry's, only such of the registry are taken.
 *
 * @param options the values of `-l`
 * @throws LbcapError `LABEL_SYNTAX`, `LABEL_ADDRESS`, `LABEL_DUPLICATE` or `LABEL_OVERLAP`
 */
export function chooseLabels(
  options: readonly string[],
  registry: Registry | null,
): Sequence<Label> {
  const registered = registry?.labels ?? [];
  const given = new Map<string, Label>();
  const named = indexesOf(registered, new Set(options.map((option) => option.split('=', 1)[0])));
  const isBare = (option: string) => named.has(option);
  for (const option of options) {
    if (isBare(option)) continue;
    const { name, addresses } = parseLabelOption(option);
    const label = parseLabel(name, addresses);
    if (given.has(name)) {
      throw new LbcapError(
        'LABEL_DUPLICATE',
        `label ${quote(name)} is given twice`,
        `write all its addresses at once: ${name}=ADDR,ADDR`,
      );
    }
    given.set(name, label);
  }
  const bare = new Set(options.filter(isBare));
  const chosen =
    bare.size === 0
      ? registered
      : [...named].filter(([name]) => bare.has(name)).map(([, index]) => itemAt(registered, index));
  const labels = given.size === 0 ? chosen : overridden(chosen, given);
  assertNoOverlap(labels, (label) =>
    given.has(label.name) || registry === null
      ? quote(label.name)
      : `${quote(label.name)} (in ${registry.path})`,
  );
  return labels;
}

/** Where labels of these names are, in the labels' order. */
function indexesOf(labels: Sequence<Label>, names: ReadonlySet<string>): Map<string, number> {
  const indexes = new Map<string, number>();
  if (names.size === 0) return indexes;
  let index = 0;
  for (const name of namesOf(labels)) {
    if (names.has(name)) indexes.set(name, index);
    index++;
  }
  return indexes;
}

/** The labels without those of the given names, and the given ones behind them. */
function overridden(labels: Sequence<Label>, given: ReadonlyMap<string, Label>): Sequence<Label> {
  if (labels instanceof LabelColumns) {
    const removed = indexesOf(labels, new Set(given.keys()));
    return labels.changed(new Set(removed.values()), [...given.values()]);
  }
  return [...[...labels].filter(({ name }) => !given.has(name)), ...given.values()];
}
