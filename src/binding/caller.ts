/** Who called sudo, and the environment that they called it in. */
import { readFileSync } from 'node:fs';
import { groupsOf, type Credentials } from '../native/credentials.js';
import type { Kernel } from '../native/kernel.js';
import { processStat } from './proc.js';

export interface Caller {
  readonly credentials: Credentials;
  readonly environment: NodeJS.ProcessEnv;
}

/** What sudo(8) sets by itself, so that its value is not the caller's. */
const ofSudo: ReadonlySet<string> = new Set([
  'HOME',
  'LOGNAME',
  'USER',
  'USERNAME',
  'MAIL',
  'PATH',
  'SHELL',
  'SUDO_COMMAND',
  'SUDO_GID',
  'SUDO_HOME',
  'SUDO_TTY',
  'SUDO_UID',
  'SUDO_USER',
]);

/** @returns `null` when this is not root through sudo, or root called sudo */
export function sudoCaller(kernel: Kernel, environment: NodeJS.ProcessEnv): Caller | null {
  const uid = idIn(environment['SUDO_UID']);
  const gid = idIn(environment['SUDO_GID']);
  if (process.geteuid?.() !== 0 || uid === null || gid === null || uid === 0) return null;
  const entry = passwdEntry(readQuietly('/etc/passwd'), uid);
  const user = entry?.user ?? environment['SUDO_USER'] ?? String(uid);
  return {
    credentials: { uid, gid, groups: groupsOf(kernel, user, gid) },
    environment: callerEnvironment(environment, sudosEnvironment(), { user, home: entry?.home }),
  };
}

/**
 * What the child gets: all that reached this process, and what sudo replaced or left out as it was
 * for the caller, PATH above all.
 *
 * @param now the environment behind sudo
 * @param before the one that sudo itself was called in, or `null` if it cannot be seen
 */
export function callerEnvironment(
  now: NodeJS.ProcessEnv,
  before: NodeJS.ProcessEnv | null,
  { user, home }: { readonly user: string; readonly home: string | undefined },
): NodeJS.ProcessEnv {
  const given = Object.entries(now).filter(([name]) => !ofSudo.has(name));
  if (before !== null) return { ...before, ...Object.fromEntries(given) };
  const result: NodeJS.ProcessEnv = { ...Object.fromEntries(given), USER: user, LOGNAME: user };
  for (const name of ['PATH', 'SHELL'] as const) {
    if (now[name] !== undefined) result[name] = now[name];
  }
  if (home !== undefined) result['HOME'] = home;
  return result;
}

/** The environment of the nearest sudo above this process: its own, not what it made of it. */
function sudosEnvironment(): NodeJS.ProcessEnv | null {
  let pid = process.ppid;
  for (let depth = 0; depth < 16 && pid > 1; depth += 1) {
    const stat = processStat(pid);
    if (stat === null) return null;
    if (stat.name === 'sudo') {
      const text = readQuietly(`/proc/${pid}/environ`);
      return text === '' ? null : parseEnvironment(text);
    }
    pid = stat.parent;
  }
  return null;
}

/** The zero-separated text of /proc/PID/environ. */
export function parseEnvironment(text: string): NodeJS.ProcessEnv {
  const pairs = text.split('\0').map((entry) => [entry, entry.indexOf('=')] as const);
  return Object.fromEntries(
    pairs
      .filter(([, equals]) => equals > 0)
      .map(([entry, equals]) => [entry.slice(0, equals), entry.slice(equals + 1)]),
  );
}

/** Name and home of a user id: passwd(5). */
export function passwdEntry(text: string, uid: number): { user: string; home: string } | null {
  for (const line of text.split('\n')) {
    const [user, , id, , , home] = line.split(':');
    if (id === String(uid) && home !== undefined) return { user, home };
  }
  return null;
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** 2^32 - 1 means "no change" to the kernel. */
function idIn(text: string | undefined): number | null {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return null;
  const id = Number(text);
  return id < 0xffff_ffff ? id : null;
}
