/** Where cgroup2 is, and a mount of our own where there is none that can be written to. */
import { closeSync } from 'node:fs';
import type { Kernel } from './kernel.js';

// <linux/mount.h>
const FSOPEN_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 1;

/**
 * Mounts cgroup2 where nobody else sees it (5.2): `/proc/self/fd/N` is its root, and it is gone when
 * descriptor N is closed.
 *
 * @throws SystemCallError `EPERM` without CAP_SYS_ADMIN
 */
export function mountCgroup2(kernel: Kernel): number {
  const context = kernel.call('fsopen', Buffer.from('cgroup2\0'), FSOPEN_CLOEXEC);
  try {
    kernel.call('fsconfig', context, FSCONFIG_CMD_CREATE, 0, 0, 0);
    return kernel.call('fsmount', context, FSMOUNT_CLOEXEC, 0);
  } finally {
    closeSync(context);
  }
}
