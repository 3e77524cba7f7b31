/** Gives up root after the capture is open, so that files belong to whoever typed `sudo`. */
import { LbcapError, messageOf } from './errors.js';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * When this process is root through sudo, becomes for good the user who called sudo, groups and
 * all (setuid(2): as root it sets the real, effective and saved ids), and gives that identity. `null`
 * where there is nothing to drop: not root, no SUDO_UID and SUDO_GID, or root called sudo.
 * Call it after the capture is open and before any file is; it cannot be undone, which is checked.
 * Throws `CAPTURE_PERMISSION` where the system refuses; the process is then of no further use.
 */
export function dropPrivileges(env: NodeJS.ProcessEnv): Identity | null {
  if (process.geteuid?.() !== 0) return null;
  const uid = idIn(env['SUDO_UID']);
  const gid = idIn(env['SUDO_GID']);
  if (uid === null || gid === null || uid === 0) return null;
  try {
    become(uid, gid);
  } catch (cause) {
    throw new LbcapError(
      'CAPTURE_PERMISSION',
      `cannot give up root for user ${uid} (${messageOf(cause)})`,
      'unset SUDO_UID to stay root',
      { cause },
    );
  }
  if (!isFor(uid, gid)) {
    throw new LbcapError('CAPTURE_PERMISSION', `root was not given up for good for user ${uid}`);
  }
  return { uid, gid };
}

/** initgroups(3), which Node has and its types leave out. */
type WithGroups = NodeJS.Process & { initgroups(user: number, extraGroup: number): void };

/** Groups first and the user last: each step needs the root that the last one takes away. */
function become(uid: number, gid: number): void {
  try {
    (process as WithGroups).initgroups(uid, gid);
  } catch {
    // A user id without an entry in the user database, as in containers: only its own group.
    process.setgroups!([gid]);
  }
  process.setgid!(gid);
  process.setuid!(uid);
}

/** True when all ids are the user's and none of the ways back to root is open. */
function isFor(uid: number, gid: number): boolean {
  const attempts = [
    () => process.setuid!(0),
    () => process.seteuid!(0),
    ...(gid === 0 ? [] : [() => process.setgid!(0), () => process.setegid!(0)]),
  ];
  return (
    process.getuid!() === uid &&
    process.geteuid!() === uid &&
    process.getgid!() === gid &&
    process.getegid!() === gid &&
    attempts.every(throws)
  );
}

function throws(attempt: () => void): boolean {
  try {
    attempt();
    return false;
  } catch {
    return true;
  }
}

/** A user or group id as sudo(8) writes it; 2³² − 1 means "no change" to the kernel. */
function idIn(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return null;
  const id = Number(text);
  return id < 0xffff_ffff ? id : null;
}
