/** Method bpf as a run uses it: a cgroup, its guard and its programs. */
import type { Kernel } from '../native/kernel.js';
import { explain, loadPrograms, type BindingRequest, type BpfBinding } from './bpf-method.js';
import { createCgroup } from './cgroup.js';
import { guardCgroup } from './guard.js';
import type { Method } from './method.js';
import { sendSignal } from './signal.js';

/**
 * Its steps overlap: this process enters the cgroup in another thread while the programs are made
 * and loaded, for it takes the kernel an RCU grace period.
 *
 * @param meanwhile what else there is to do before the child can be born
 * @throws LbcapError `RUN_PERMISSION` or `PLATFORM_UNSUPPORTED`; nothing is left behind then
 */
export async function openBpf(
  kernel: Kernel,
  request: BindingRequest,
  meanwhile: () => void,
): Promise<Method> {
  const cgroup = await createCgroup();
  // Before the cgroup is entered: a guard inside would kill itself.
  const guard = guardCgroup(kernel, cgroup.fresh.descriptor, cgroup.fresh.name);
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
    const programs = loadPrograms(kernel, request);
    binding = programs;
    programs.link(cgroup.fresh);
    meanwhile();
    await entering;
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
        else for (const pid of cgroup.processes()) sendSignal(pid, 'SIGTERM');
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
