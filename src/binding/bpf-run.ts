/** Method bpf as a run uses it: a cgroup, its guard and its programs. */
import { isSystemError } from '../errors.js';
import type { Kernel } from '../native/kernel.js';
import { bindCgroup, type BindingRequest } from './bpf-method.js';
import { createCgroup } from './cgroup.js';
import { guardCgroup } from './guard.js';
import type { Method } from './method.js';

/** @throws LbcapError `RUN_PERMISSION` or `PLATFORM_UNSUPPORTED`; nothing is left behind then */
export function openBpf(kernel: Kernel, request: BindingRequest): Method {
  const cgroup = createCgroup(kernel);
  let binding;
  try {
    // First: without the rights there is nothing that a guard could look after.
    binding = bindCgroup(kernel, cgroup, request);
  } catch (error) {
    cgroup.remove();
    throw error;
  }
  const guard = guardCgroup(cgroup.fresh.descriptor, cgroup.fresh.name);
  return {
    name: 'bpf',
    environment: {},
    fork: (fork) => {
      cgroup.inside(fork);
    },
    alive: () => cgroup.populated(),
    emptied: () => cgroup.emptied(),
    end: (how) => {
      if (how === 'kill') cgroup.kill();
      else cgroup.processes().forEach(askToEnd);
    },
    account: () => binding.account(),
    close: () => {
      binding.close();
      cgroup.remove();
      guard.dismiss();
    },
  };
}

export function askToEnd(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (!isSystemError(error, 'ESRCH', 'EPERM')) throw error;
  }
}
