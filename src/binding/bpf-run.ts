/** Method bpf as a run uses it: a cgroup, its guard and its programs. */
import { isSystemError } from '../errors.js';
import { openKernel } from '../native/kernel.js';
import { explain, loadPrograms, type BindingRequest, type BpfBinding } from './bpf-method.js';
import { createCgroup } from './cgroup.js';
import { guardCgroup } from './guard.js';
import type { Method } from './method.js';

/**
 * Its steps overlap: this process enters the cgroup in another thread while koffi and the programs
 * are loaded.
 *
 * @throws LbcapError `RUN_PERMISSION` or `PLATFORM_UNSUPPORTED`; nothing is left behind then
 */
export async function openBpf(request: BindingRequest): Promise<Method> {
  const cgroup = await createCgroup();
  // Before the cgroup is entered: a guard inside would kill itself.
  const guard = guardCgroup(cgroup.fresh.descriptor, cgroup.fresh.name);
  const entering = cgroup.enter();
  // It is awaited below, whatever comes in between.
  entering.catch(() => undefined);
  let binding: BpfBinding | undefined;
  const close = () => {
    binding?.close();
    cgroup.remove();
    guard.dismiss();
  };
  try {
    const kernel = await openKernel();
    const programs = loadPrograms(kernel, request);
    binding = programs;
    await entering;
    programs.link(cgroup.fresh);
    return {
      name: 'bpf',
      environment: {},
      fork: (fork) => {
        try {
          fork();
        } finally {
          cgroup.leave();
        }
      },
      alive: () => cgroup.populated(),
      emptied: () => cgroup.emptied(),
      end: (how) => {
        if (how === 'kill') cgroup.kill();
        else cgroup.processes().forEach(askToEnd);
      },
      account: () => programs.account(),
      close,
    };
  } catch (error) {
    await entering.catch(() => undefined);
    cgroup.leave();
    close();
    throw explain(error);
  }
}

export function askToEnd(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (!isSystemError(error, 'ESRCH', 'EPERM')) throw error;
  }
}
