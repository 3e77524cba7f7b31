/** Changes the registry: whole or not at all, one writer at a time. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  chownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError, LbcapError } from '../errors.js';
import { formatRegistry, type RegistryEntry } from './registry-json.js';
import type { RegistryPlace } from './registry-path.js';
import { reason, registryOf, type Registry } from './registry.js';

/** How long to wait for another writer, milliseconds. A write takes a few. */
const patience = 3000;

/**
 * Reads the registry, lets `change` say what it is to hold, and puts the new text in its place.
 * The new text is written beside the file and renamed over it, so that a reader sees the old or
 * the new and a crash leaves one of them. The file beside it (`FILE.lock`, created exclusively)
 * keeps other writers waiting meanwhile. Mode, owner and other fields are kept; a symbolic link
 * stays one, and what it points to is replaced. A new file belongs to whoever called sudo.
 *
 * @param change gets no entries when the file is not there; gives `null` to leave all as it is
 * @throws LbcapError `REGISTRY_IO`, `REGISTRY_INVALID`, or what `change` throws
 */
export async function updateRegistry(
  place: RegistryPlace,
  change: (registry: Registry) => readonly RegistryEntry[] | null,
): Promise<void> {
  const { path } = place;
  try {
    const file = targetOf(resolve(path));
    // The user's own place is made; a directory that somebody typed is more likely mistyped.
    if (!place.expected) makeDirectory(dirname(file));
    const lock = `${file}.lock`;
    const descriptor = await openLock(lock, path);
    let renamed = false;
    try {
      const old = readOld(file);
      const registry =
        old === null ? { path, entries: [], labels: [] } : registryOf(old.bytes, path);
      const entries = change(registry);
      if (entries !== null) {
        writeFileSync(
          descriptor,
          formatRegistry(old?.bytes.toString('utf8') ?? null, entries, path),
        );
        own(descriptor, old?.stats ?? null);
        fsyncSync(descriptor);
        renameSync(lock, file);
        renamed = true;
        syncDirectory(dirname(file));
      }
    } finally {
      closeSync(descriptor);
      if (!renamed) unlinkSync(lock);
    }
  } catch (error) {
    if (error instanceof LbcapError) throw error;
    throw new LbcapError(
      'REGISTRY_IO',
      `cannot write ${path} (${reason(error)})`,
      isSystemError(error, 'ENOENT')
        ? 'create its directory, or name another file with --labels FILE'
        : 'make its directory writable, or name another file with --labels FILE',
      { cause: error, details: { path } },
    );
  }
}

/** The file behind symbolic links; the path itself when nothing is there yet. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return path;
    throw new LbcapError(
      'REGISTRY_IO',
      `${path} is a symbolic link to nothing`,
      'remove it, or create what it points to',
    );
  }
}

function readOld(file: string): { bytes: Buffer; stats: Stats } | null {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  if (!stats.isFile()) {
    throw new LbcapError('REGISTRY_IO', `${file} is not a regular file`, 'name one with --labels');
  }
  return { bytes: readFileSync(file), stats };
}

async function openLock(lock: string, path: string): Promise<number> {
  for (let waited = 0; ; waited += 20) {
    try {
      return openSync(lock, 'wx', 0o644);
    } catch (error) {
      if (!isSystemError(error, 'EEXIST')) throw error;
      if (waited >= patience) {
        throw new LbcapError(
          'REGISTRY_IO',
          `another lbcap is writing ${path}`,
          `wait for it, or remove ${lock} if none is running`,
        );
      }
    }
    await delay(20);
  }
}

/** Mode and owner of the old file; for a new one the owner that sudo stands in for. */
function own(descriptor: number, old: Stats | null): void {
  if (old !== null) fchmodSync(descriptor, old.mode & 0o7777);
  if (process.geteuid?.() !== 0) return;
  const owner = old ?? sudoCaller();
  if (owner !== null) fchownSync(descriptor, owner.uid, owner.gid);
}

function sudoCaller(): { uid: number; gid: number } | null {
  const uid = Number(process.env['SUDO_UID'] ?? NaN);
  const gid = Number(process.env['SUDO_GID'] ?? NaN);
  if (process.geteuid?.() !== 0 || !Number.isInteger(uid) || !Number.isInteger(gid)) return null;
  return { uid, gid };
}

/** 0700, as the XDG Base Directory Specification asks for what is created on the way. */
function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
  const owner = sudoCaller();
  if (first === undefined || owner === null) return;
  for (let at = directory; at.length >= first.length; at = dirname(at)) {
    chownSync(at, owner.uid, owner.gid);
  }
}

/** Without it a power cut could bring the old name back (fsync(2)). */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
