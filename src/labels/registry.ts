/** Reads the registry of labels. */
import { readFileSync } from 'node:fs';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import type { Sequence } from '../sequence.js';
import type { Label } from './label.js';
import { parseLabel } from './parse.js';
import type { RegistryPlace } from './registry-path.js';
import { parseRegistry, type RegistryEntry } from './registry-json.js';
import { scanRegistry } from './registry-scan.js';

/** A registry file as it is now; without entries when it is not there yet. */
export interface Registry {
  readonly path: string;
  /** As written, in the file's order. */
  readonly entries: readonly RegistryEntry[];
  /** The same entries, parsed. */
  readonly labels: Sequence<Label>;
}

/**
 * @returns `null` when there is no file and none was expected
 * @throws LbcapError `REGISTRY_IO` when it cannot be read, `REGISTRY_INVALID` when its text, a
 * name or an address is wrong
 */
export function readRegistry(place: RegistryPlace): Registry | null {
  const { path, expected } = place;
  let text: Buffer;
  try {
    text = readFileSync(path);
  } catch (error) {
    if (!expected && isSystemError(error, 'ENOENT', 'ENOTDIR')) return null;
    throw unreadable(path, error);
  }
  return registryOf(text, path);
}

/**
 * @param bytes UTF-8
 * @throws LbcapError `REGISTRY_INVALID`
 */
export function registryOf(bytes: Buffer, path: string): Registry {
  const parse = () => parseRegistry(textOf(bytes, path), path);
  const columns = scanRegistry(bytes);
  if (columns === null) {
    const entries = parse();
    return { path, entries, labels: entries.map((entry) => labelOf(entry, path)) };
  }
  let entries: readonly RegistryEntry[] | null = null;
  return {
    path,
    labels: columns,
    // For those who change the file; whoever only reads it needs none.
    get entries() {
      return (entries ??= parse());
    },
  };
}

/** @throws LbcapError `REGISTRY_IO` when it is longer than a string can be */
function textOf(bytes: Buffer, path: string): string {
  try {
    return bytes.toString('utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

function labelOf({ name, value }: RegistryEntry, path: string): Label {
  try {
    return parseLabel(name, typeof value === 'string' ? [value] : value);
  } catch (error) {
    if (!(error instanceof LbcapError)) throw error;
    throw new LbcapError('REGISTRY_INVALID', `${path}: labels: ${error.message}`, undefined, {
      cause: error,
      details: { path },
    });
  }
}

function unreadable(path: string, error: unknown): LbcapError {
  const remedy = isSystemError(error, 'ENOENT')
    ? `create it with lbcap label add NAME --labels ${path}`
    : isSystemError(error, 'EISDIR')
      ? 'name a file with --labels FILE'
      : 'make it readable, or name another with --labels FILE';
  return new LbcapError('REGISTRY_IO', `cannot read ${path} (${reason(error)})`, remedy, {
    cause: error,
    details: { path },
  });
}

/** An error of the operating system without the call and the path that Node adds. */
export function reason(error: unknown): string {
  return messageOf(error).replace(/^[A-Z0-9]+: ([^,]+),.*$/, '$1');
}
