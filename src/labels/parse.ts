/** What users write, on the command line and in the registry, to checked labels. */
import { LbcapError } from '../errors.js';
import { ipv4Bytes } from './address.js';
import { mergedBlocks } from './blocks.js';
import { parseEndpoint } from './endpoint-text.js';
import type { Label } from './label.js';
import { assertNoOverlap } from './overlap.js';
import { quote } from './quote.js';
import type { Registry } from './registry.js';

/** The same rule for file names, Wireshark names and the command line. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

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

/**
 * The labels of a command: those of the registry that the command line does not name again, in
 * the file's order, then those of the command line, in theirs. Where the command line has a bare
 * name, which must be the registry's, only such of the registry are taken.
 *
 * @param options the values of `-l`
 * @throws LbcapError `LABEL_SYNTAX`, `LABEL_ADDRESS`, `LABEL_DUPLICATE` or `LABEL_OVERLAP`
 */
export function parseLabels(options: readonly string[], registry: Registry | null): Label[] {
  const given = new Map<string, Label>();
  const registered = new Map(registry?.labels.map((label) => [label.name, label]));
  const isBare = (option: string) => registered.has(option);
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
  const chosen = new Set(options.filter(isBare));
  const kept = (registry?.labels ?? []).filter(
    ({ name }) => !given.has(name) && (chosen.size === 0 || chosen.has(name)),
  );
  const labels = [...kept, ...given.values()];
  assertNoOverlap(labels, (label) =>
    given.has(label.name) || registry === null
      ? quote(label.name)
      : `${quote(label.name)} (in ${registry.path})`,
  );
  return labels;
}
