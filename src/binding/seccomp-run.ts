/** Method seccomp as a run uses it: a filter, the thread that answers, and the guard. */
import { closeSync, readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import type { Kernel } from '../native/kernel.js';
import { createBell, ring } from '../native/poll.js';
import { adoptOrphans, installFilter } from '../native/seccomp.js';
import { Waiter } from '../native/wait.js';
import { accountSize } from './account-layout.js';
import { accountOf } from './bpf-method.js';
import { guardMark } from './guard.js';
import type { BindingRequest, Method } from './method.js';
import { processMark, processStat } from './proc.js';
import { killAll, sendSignal } from './signal.js';
import { countOf } from './sources.js';
import type { SupervisorOrder } from './supervisor.js';

/** @throws LbcapError `ENGINE_LIMIT` for what this method cannot do, `RUN_FAILED` */
export async function openSeccomp(kernel: Kernel, request: BindingRequest): Promise<Method> {
  const { sources, ipv6, server, rebind } = request;
  const total = countOf(sources.ipv4) + countOf(sources.ipv6);
  const pooled = countOf(sources.ipv4) > 1 || countOf(sources.ipv6) > 1;
  const words = new BigUint64Array(new SharedArrayBuffer(accountSize));
  const perAddress = new BigUint64Array(new SharedArrayBuffer(8 * 2 * Math.max(1, total)));
  const bell = createBell(kernel);
  const worker = await startWorker({ sources, ipv6, server, rebind, words, perAddress, bell });
  const mark = processMark('self') ?? String(process.pid);
  // Before the filter is there: it must not be under it.
  const guard = guardMark(kernel, mark);
  // The guard, and a capture of --watch, which are no part of the run.
  const own = new Set(childrenOf(process.pid));
  try {
    adoptOrphans(kernel);
    worker.listen(
      installFilter(kernel, ['connect', 'sendto', ...(server || rebind ? ['bind' as const] : [])]),
      () => {
        endAll('kill');
      },
    );
  } catch (error) {
    guard.dismiss();
    await worker.abandon();
    closeSync(bell);
    throw refusal(error);
  }
  const waiter = new Waiter(kernel);
  // Children only, the adopted among them, ended ones too: while a process of the run is left, one
  // is there, whereas a walk through the tree would miss what is handed up meanwhile.
  const alive = () => {
    for (;;) {
      const children = childrenOf(process.pid).filter((pid) => !own.has(pid));
      if (children.length === 0) return false;
      // Who was buried may have handed up children since the list was made.
      if (children.filter((pid) => waiter.bury(pid)).length === 0) return true;
    }
  };
  const endAll = (how: 'ask' | 'kill') => {
    const all = () => descendants(process.pid, own);
    if (how === 'kill') killAll(all);
    else for (const pid of all()) sendSignal(pid, 'SIGTERM');
  };
  return {
    name: 'seccomp',
    environment: { LBCAP_RUN: mark },
    fork: (fork) => {
      fork();
    },
    alive,
    emptied: () =>
      new Promise((resolve) => {
        const look = () => {
          if (alive()) return;
          process.off('SIGCHLD', look);
          resolve();
        };
        process.on('SIGCHLD', look);
        look();
      }),
    end: endAll,
    account: () => accountOf(words, pooled ? perAddress : null, sources),
    close: async () => {
      guard.dismiss();
      ring(bell);
      await worker.ended;
      closeSync(bell);
    },
  };
}

interface Supervisor {
  /** Ends without an error only after the bell. */
  readonly ended: Promise<void>;
  /** @param onFailure nobody answers any more: calls fail with ENOSYS from now on */
  listen(listener: number, onFailure: () => void): void;
  abandon(): Promise<void>;
}

async function startWorker(order: SupervisorOrder): Promise<Supervisor> {
  // Beside this file, in the bundle as well.
  const file = import.meta.url.endsWith('.cjs') ? './supervisor.cjs' : './supervisor.js';
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: order,
    // It closes descriptors that the kernel gave it, which Node does not know of.
    trackUnmanagedFds: false,
  });
  let failed = () => undefined as void;
  let failure: unknown;
  worker.on('error', (error: unknown) => {
    failure = error;
    failed();
  });
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('exit', () => {
      if (failure === undefined) resolve();
      else reject(broken(failure));
    });
  });
  // Looked at by whoever waits for it, at the end.
  ended.catch(() => undefined);
  await Promise.race([
    new Promise((resolve) => worker.once('message', resolve)),
    ended.then(() => Promise.reject(broken('it ended'))),
  ]);
  return {
    ended,
    listen(listener, onFailure) {
      failed = () => {
        closeSync(listener);
        onFailure();
      };
      worker.postMessage(listener);
    },
    async abandon() {
      await worker.terminate();
    },
  };
}

function broken(cause: unknown): LbcapError {
  return new LbcapError(
    'RUN_FAILED',
    `the seccomp supervisor broke (${messageOf(cause)})`,
    undefined,
    {
      cause,
    },
  );
}

function refusal(error: unknown): LbcapError {
  if (isSystemError(error, 'EBUSY')) {
    return new LbcapError(
      'ENGINE_LIMIT',
      'this is inside another lbcap run --method seccomp, and the kernel allows one only',
      'label the inner program alone, or run with sudo',
      { cause: error },
    );
  }
  return new LbcapError(
    'RUN_FAILED',
    `the kernel refuses the seccomp filter (${messageOf(error)})`,
    'it takes Linux 5.6 with seccomp, or run it with sudo for BPF',
    { cause: error },
  );
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const stat = /^[0-9]+$/.test(name) ? processStat(Number(name)) : null;
    if (stat === null) continue;
    const siblings = children.get(stat.parent);
    if (siblings === undefined) children.set(stat.parent, [Number(name)]);
    else siblings.push(Number(name));
  }
  return children;
}

function childrenOf(pid: number): number[] {
  return childrenByParent().get(pid) ?? [];
}

/** All processes below one, without some of its children and theirs. */
function descendants(of: number, without: ReadonlySet<number>): number[] {
  const children = childrenByParent();
  const found: number[] = [];
  const queue = [of];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    const below = (children.get(pid) ?? []).filter((child) => !without.has(child));
    found.push(...below);
    queue.push(...below);
  }
  return found;
}
