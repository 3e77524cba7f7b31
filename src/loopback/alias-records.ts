/** What sessions have added to the loopback, written down for whoever cleans up after a SIGKILL. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LbcapError, messageOf } from '../errors.js';
import { parseAddress, type Address } from '../labels/address.js';
import { isOfSystem } from './alias-plan.js';
import { textOf } from './alias-system.js';
import type { Platform } from './platform.js';

/** One session's. */
export interface AliasRecord {
  readonly pid: number;
  /** The process id and its start time, which together no other process has. */
  readonly mark: string;
  /** Which loopback it is: the boot and the network namespace. */
  readonly network: string;
  /** Addresses that the session relies on, and those of them that it added. */
  readonly uses: readonly string[];
  readonly added: readonly string[];
}

export interface FoundRecord extends AliasRecord {
  readonly path: string;
}

const namePattern = /^alias-\d+\.json$/;

/** Where records are, the first that can be written coming first. All go with the boot or name it. */
export function recordFolders(platform: Platform, env: NodeJS.ProcessEnv): string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  const state = env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return [
    ...(runtime === undefined || runtime === '' ? [] : [runtime]),
    ...(process.geteuid?.() === 0 ? [platform === 'linux' ? '/run' : '/var/run'] : []),
    state,
  ].map((folder) => join(folder, 'lbcap'));
}

export function currentNetwork(platform: Platform): string {
  if (platform !== 'linux') return '';
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return `${boot} ${readlinkSync('/proc/self/ns/net')}`;
}

/** Writes it whole into the first folder that takes it. @throws ALIAS_FAILED */
export function writeRecord(folders: readonly string[], record: AliasRecord): FoundRecord {
  const failures: string[] = [];
  for (const folder of folders) {
    const path = join(folder, `alias-${record.pid}.json`);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${path}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
      return { ...record, path };
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  throw new LbcapError(
    'ALIAS_FAILED',
    `what a session adds cannot be written down (${failures.join('; ')})`,
    'name a folder that can be written in XDG_RUNTIME_DIR',
  );
}

/** Those of this loopback. What is not a record is left alone. */
export function readRecords(folders: readonly string[], network: string): FoundRecord[] {
  return folders.flatMap((folder) => {
    let names: string[];
    try {
      names = readdirSync(folder).filter((name) => namePattern.test(name));
    } catch {
      return [];
    }
    return names.flatMap((name) => {
      const path = join(folder, name);
      const record = readRecord(path);
      return record?.network === network ? [{ ...record, path }] : [];
    });
  });
}

/**
 * Addresses that ended sessions left behind and no session that lives relies on.
 *
 * @param markOf the mark of the process that has an id now, or `null`
 * @returns with each record the addresses of its own to remove; `done` when none of it must stay
 */
export function leftBehind(
  records: readonly FoundRecord[],
  markOf: (pid: number) => string | null,
): { readonly record: FoundRecord; readonly addresses: Address[]; readonly done: boolean }[] {
  const isLive = ({ pid, mark }: AliasRecord) => markOf(pid) === mark;
  const inUse = new Set(records.filter(isLive).flatMap(({ uses }) => uses));
  return records
    .filter((record) => !isLive(record))
    .map((record) => ({
      record,
      addresses: record.added
        .filter((text) => !inUse.has(text))
        .flatMap((text) => parseAddress(text) ?? [])
        .filter((address) => !isOfSystem(address)),
      done: !record.added.some((text) => inUse.has(text)),
    }));
}

export function removeRecord({ path }: FoundRecord): void {
  rmSync(path, { force: true });
}

function readRecord(path: string): AliasRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { pid, mark, network, uses, added } = value as Record<string, unknown>;
  const usable = typeof pid === 'number' && typeof mark === 'string' && typeof network === 'string';
  return usable && areAddresses(uses) && areAddresses(added)
    ? { pid, mark, network, uses, added }
    : null;
}

/** What is handed to `ip` or `ifconfig` as root later on. */
function areAddresses(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.every((text: unknown) => {
      const address = typeof text === 'string' ? parseAddress(text) : null;
      return address !== null && textOf(address) === text;
    })
  );
}
