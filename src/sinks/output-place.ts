/** The directory that files go to, and what stands there already. */
import { closeSync, lstatSync, mkdirSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isSystemError, LbcapError } from '../errors.js';
import type { Sequence } from '../sequence.js';
import { createFile, outputError, removeOld } from './output-file.js';

/** Makes it where it is not there. @throws OUTPUT_IO */
export function makeDirectory(directory: string): void {
  try {
    makeWithParents(directory);
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat === undefined) {
      throw new LbcapError('OUTPUT_IO', `${directory} is a link to nowhere`, 'give another --out');
    }
    if (stat.isDirectory()) return;
  } catch (error) {
    throw error instanceof LbcapError ? error : outputError(directory, error);
  }
  throw new LbcapError('OUTPUT_IO', `${directory} is not a directory`, 'give another --out');
}

/**
 * Not mkdir's `recursive`: below /proc, where every mkdir answers ENOENT, Node 20 tries for ever.
 */
function makeWithParents(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return;
    const parent = dirname(directory);
    if (!isSystemError(error, 'ENOENT') || parent === directory) throw error;
    makeWithParents(parent);
    mkdirSync(directory);
  }
}

/**
 * Paths of the files in a directory at which something may stand. One look at the directory: with
 * thousands of labels, one at each path takes seconds.
 * @param files their names
 */
export function occupied(directory: string, files: Sequence<string>): string[] {
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    // It may be searched all the same, or the look at each path says what is wrong.
    return Array.from(files, (file) => join(directory, file));
  }
  if (entries.length === 0) return [];
  // Where case does not count, `a.pcap` stands in the way of `A.pcap`.
  const there = new Set(entries.map((entry) => entry.toLowerCase()));
  const found: string[] = [];
  for (const file of files) if (there.has(file.toLowerCase())) found.push(join(directory, file));
  return found;
}

/** All are looked at before one is made. @throws OUTPUT_EXISTS */
export function refuseExisting(directory: string, files: Sequence<string>): void {
  const existing = occupied(directory, files).filter(isThere);
  const [first] = existing;
  if (first === undefined) return;
  const more = existing.length > 1 ? ` and ${existing.length - 1} more like it` : '';
  throw new LbcapError(
    'OUTPUT_EXISTS',
    `${first}${more} exists`,
    'give another --out, or --force to overwrite',
  );
}

/** What an earlier run left must not look like this one's. @throws OUTPUT_IO */
export function removeExisting(directory: string, files: Sequence<string>): void {
  for (const path of occupied(directory, files)) {
    try {
      removeOld(path);
    } catch (error) {
      throw error instanceof LbcapError ? error : outputError(path, error);
    }
  }
}

/** A symlink is there even when its target is not. */
function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false;
    throw outputError(path, error);
  }
}

/** The files of rings that stand in a directory: `<name>.<nnnnn><ending>`, for any of the names. */
export function existingRings(
  directory: string,
  names: Sequence<string>,
  ending: string,
): string[] {
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch {
    // Not there: making it says what else is wrong.
    return [];
  }
  const rings = entries.flatMap((entry) => {
    if (!entry.endsWith(ending)) return [];
    const [, name] = /^(.+)\.\d{5,}$/.exec(entry.slice(0, -ending.length)) ?? [];
    return name === undefined ? [] : [{ entry, name }];
  });
  if (rings.length === 0) return [];
  const known = new Set(names);
  return rings.filter(({ name }) => known.has(name)).map(({ entry }) => entry);
}

/** More names than this are not compared before it is known that it matters. */
const fewNames = 256;

/**
 * `A.pcap` and `a.pcap` are one file where case does not count (macOS, vfat): one label's packets
 * would take the place of the other's.
 * @param tells whether a directory tells cases apart
 * @throws OUTPUT_IO when names differ by case only and the directory does not tell them apart
 */
export function refuseCaseTwins(
  directory: string,
  names: Sequence<string>,
  tells = tellsCases,
): void {
  if (names.length > fewNames && tells(directory)) return;
  const seen = new Map<string, string>();
  for (const name of names) {
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined && !tells(directory)) {
      throw new LbcapError(
        'OUTPUT_IO',
        `${directory} does not tell ${twin}.pcap from ${name}.pcap`,
        'give one of the labels another name, or another --out',
      );
    }
    if (twin !== undefined) return;
    seen.set(name.toLowerCase(), name);
  }
}

/** Tried out, since only the file system knows. */
function tellsCases(directory: string): boolean {
  const path = join(directory, `.lbcap-case-${process.pid}`);
  closeSync(createFile(path, true));
  try {
    return !isThere(join(directory, basename(path).toUpperCase()));
  } finally {
    unlinkSync(path);
  }
}
