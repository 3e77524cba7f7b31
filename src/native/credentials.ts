/** Who a child is to be: ids and groups of the calling thread alone, changed and changed back. */
import type { KoffiFunc } from 'koffi';
import type { Kernel } from './kernel.js';

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

type GetGroupList = KoffiFunc<
  (user: string, gid: number, groups: Uint8Array, count: Uint8Array) => number
>;

/** Enough for anybody; the kernel's limit (NGROUPS_MAX). */
const mostGroups = 65_536;

/** All groups of a user, as login would set them: getgrouplist(3), which asks NSS. */
export function groupsOf(kernel: Kernel, user: string, gid: number): number[] {
  const getgrouplist = kernel.libc<GetGroupList>(
    'int getgrouplist(const char *user, uint32_t gid, void *groups, void *count)',
  );
  const groups = Buffer.alloc(4 * mostGroups);
  const count = Buffer.alloc(4);
  count.writeInt32LE(mostGroups);
  if (getgrouplist(user, gid, groups, count) < 0) return [gid];
  return Array.from({ length: count.readInt32LE() }, (_, index) => groups.readUInt32LE(4 * index));
}

/**
 * Runs `work` as somebody else. The system calls themselves, unlike libc's functions, change the
 * calling thread only; a child that is forked meanwhile has these credentials from its very first
 * instruction. The saved ids stay root's here and are given up by exec (credentials(7)), so this
 * thread can return and the child cannot.
 *
 * @throws SystemCallError `EPERM` unless root
 */
export function withCredentials<T>(kernel: Kernel, as: Credentials, work: () => T): T {
  const own = process.getgroups?.() ?? [];
  const keep = 0xffff_ffff;
  setGroups(kernel, as.groups);
  kernel.call('setresgid', as.gid, as.gid, 0);
  kernel.call('setresuid', as.uid, as.uid, 0);
  try {
    return work();
  } finally {
    kernel.call('setresuid', 0, 0, keep);
    kernel.call('setresgid', 0, 0, keep);
    setGroups(kernel, own);
  }
}

function setGroups(kernel: Kernel, groups: readonly number[]): void {
  const list = Buffer.alloc(Math.max(4, 4 * groups.length));
  for (const [index, group] of groups.entries()) list.writeUInt32LE(group, 4 * index);
  kernel.call('setgroups', groups.length, list);
}
