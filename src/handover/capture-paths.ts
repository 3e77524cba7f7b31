/** The captures that `DIR|FILE…` stand for, each once, with the names that a report may show. */
import type { BigIntStats, Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isSystemError, LbcapError, messageOf } from '../errors.js';

export interface CapturePath {
  readonly path: string;
  /** The base name, with a number where two files have the same: directories are nobody's business. */
  readonly name: string;
}

/**
 * Names of captures: lbcap's own and their rings (`client.00001.pcap`), tcpdump's (`a.pcap`,
 * `a.pcap1`), dumpcap's, compressed too.
 */
const captureName = /\.(?:pcap\d*|pcapng\d*|cap|ntar|dmp)(?:\.(?:gz|zst|zstd|lz4))?$/i;

/**
 * Of a directory the files in it that are called like captures, in natural order; what is below it is
 * left alone. A file that is named is taken whatever it is called.
 * @throws INPUT_IO for what is not there, is no regular file, or is a directory without captures
 */
export async function findCaptures(words: readonly string[]): Promise<CapturePath[]> {
  const paths: string[] = [];
  const seen = new Set<string>();
  for (const word of words) {
    const isDirectory = (await statOf(word)).isDirectory();
    for (const path of isDirectory ? await capturesIn(word) : [word]) {
      const stats = await (isDirectory ? statIfThere(path) : statOf(path));
      if (stats === null) continue;
      if (!stats.isFile()) {
        if (isDirectory) continue;
        throw new LbcapError(
          'INPUT_IO',
          `${word} is not a regular file`,
          'a report reads its captures twice: write it to a file first',
        );
      }
      // The same file by way of its directory, or of a link.
      const identity = `${stats.dev}:${stats.ino}`;
      if (seen.has(identity)) continue;
      seen.add(identity);
      paths.push(path);
    }
  }
  return withNames(paths);
}

async function capturesIn(directory: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (error) {
    throw inputError(directory, error);
  }
  const names = entries
    .filter((entry) => !entry.isDirectory() && captureName.test(entry.name))
    .map(({ name }) => name)
    .sort(naturally);
  if (names.length > 0) return names.map((name) => join(directory, name));
  throw new LbcapError(
    'INPUT_IO',
    `there is no capture in ${directory}`,
    'give the directory that lbcap watch or split wrote, or name the files',
  );
}

/** `a.2` before `a.10`; the same on every machine, whatever its language. */
function naturally(a: string, b: string): number {
  return new Intl.Collator('en', { numeric: true }).compare(a, b) || (a < b ? -1 : 1);
}

async function statOf(path: string): Promise<BigIntStats> {
  if (path === '-') {
    throw new LbcapError(
      'USAGE',
      'report cannot read standard input',
      'a report reads its captures twice: write it to a file first',
    );
  }
  try {
    // As bigint: a file's number on Windows has 64 bits, and rounded ones meet.
    return await stat(path, { bigint: true });
  } catch (error) {
    throw inputError(path, error);
  }
}

/** Of a directory's entry: a ring's file goes while others are read, and a link may lead nowhere. */
async function statIfThere(path: string): Promise<BigIntStats | null> {
  try {
    return await statOf(path);
  } catch (error) {
    if (error instanceof LbcapError && isSystemError(error.cause, 'ENOENT')) return null;
    throw error;
  }
}

function inputError(path: string, error: unknown): LbcapError {
  const remedy = isSystemError(error, 'ENOENT')
    ? 'there is no such file or directory'
    : isSystemError(error, 'EACCES', 'EPERM')
      ? 'you may not read it'
      : messageOf(error);
  return new LbcapError('INPUT_IO', `cannot read ${path}`, remedy, { cause: error });
}

function withNames(paths: readonly string[]): CapturePath[] {
  const times = new Map<string, number>();
  return paths.map((path) => {
    const base = basename(path);
    const number = (times.get(base) ?? 0) + 1;
    times.set(base, number);
    return { path, name: number === 1 ? base : `${base} (${number})` };
  });
}
