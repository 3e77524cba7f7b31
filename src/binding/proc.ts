/** What /proc says about processes: proc(5). */
import { readFileSync } from 'node:fs';

export interface ProcessStat {
  readonly name: string;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  /** 0 without a controlling terminal. */
  readonly terminal: number;
  /** The process group in the terminal's foreground, or -1. */
  readonly foreground: number;
  /** Clock ticks since boot. Together with the id it names a process for good. */
  readonly startTime: string;
}

/** @returns `null` when there is no such process, or none that may be seen */
export function processStat(pid: number | 'self'): ProcessStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  return parseStat(text);
}

/** The name may hold blanks and parentheses, so fields are counted from its last one. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  if (open === -1 || close < open || fields.length < 20) return null;
  return {
    name: text.slice(open + 1, close),
    state: fields[0],
    parent: Number(fields[1]),
    group: Number(fields[2]),
    terminal: Number(fields[4]),
    foreground: Number(fields[5]),
    startTime: fields[19],
  };
}

/** `123-4567`: a process id and its start time. */
export function processMark(pid: number | 'self'): string | null {
  const stat = processStat(pid);
  if (stat === null) return null;
  return `${pid === 'self' ? process.pid : pid}-${stat.startTime}`;
}

/** The mount point of cgroup2 from the text of /proc/self/mounts, or `null`. */
export function parseCgroupMount(text: string): string | null {
  for (const line of text.split('\n')) {
    const [, place, type] = line.split(' ');
    // Blanks and backslashes in a path are octal there (getmntent(3)).
    if (type === 'cgroup2') {
      return place.replace(/\\([0-7]{3})/g, (_, digits: string) =>
        String.fromCharCode(parseInt(digits, 8)),
      );
    }
  }
  return null;
}

/**
 * The own cgroup from the text of /proc/self/cgroup, `/` at least. One outside the namespace
 * (`/..`) cannot be reached from here: then the mount's root stands for it.
 */
export function parseOwnCgroup(text: string): string {
  const line = text.split('\n').find((entry) => entry.startsWith('0::'));
  const path = line?.slice(3) ?? '/';
  return path.startsWith('/..') || path === '' ? '/' : path.replace(/ \(deleted\)$/, '');
}
