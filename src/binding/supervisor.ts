/** The thread that answers a run's calls: a worker, started by seccomp-run. */
import { closeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { LbcapError } from '../errors.js';
import { openKernel } from '../native/kernel.js';
import { Poller } from '../native/poll.js';
import { Listener } from '../native/seccomp.js';
import { Judge, type JudgeOrder } from './judge.js';

/** What the worker is given. Descriptors are the process's, so a thread can use them. */
export interface SupervisorOrder extends JudgeOrder {
  readonly bell: number;
}

async function supervise(order: SupervisorOrder): Promise<void> {
  const port = parentPort;
  if (port === null) throw new LbcapError('INVARIANT', 'the supervisor is not a worker');
  const kernel = await openKernel();
  const judge = new Judge(kernel, order);
  const listening = new Promise<number>((resolve) => {
    port.once('message', resolve);
  });
  port.postMessage('ready');
  const descriptor = await listening;
  const listener = new Listener(kernel, descriptor);
  const poller = new Poller(kernel, [descriptor, order.bell]);
  for (;;) {
    const [calls, bell] = poller.wait();
    if (bell !== 0) break;
    if (calls === 0) continue;
    const call = listener.receive();
    if (call !== null) judge.decide(call, listener);
  }
  closeSync(descriptor);
}

// No await at the top level, since the bundles are CommonJS. Thrown there, it is the worker's error.
supervise(workerData as SupervisorOrder).catch((error: unknown) => {
  setImmediate(() => {
    throw error;
  });
});
