/** One run, from the choice of method to the account. */
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import { withCredentials, type Credentials } from '../native/credentials.js';
import { openKernel, requireLinux, type Kernel } from '../native/kernel.js';
import type { Account } from './account.js';
import { openBpf } from './bpf-run.js';
import { sudoCaller } from './caller.js';
import { runChild } from './child.js';
import { requireLocal } from './local-addresses.js';
import type { BindingRequest, Method, MethodName } from './method.js';

export interface RunRequest extends BindingRequest {
  /** `null`: bpf where it is permitted, else seccomp. */
  readonly method: MethodName | null;
  readonly words: readonly [string, ...string[]];
  readonly environment: NodeJS.ProcessEnv;
  /** Something to know before the program's own output. */
  onNotice(text: string): void;
}

export interface RunResult {
  /** As a shell has it: 128+n for the end by signal n. */
  readonly status: number;
  readonly method: MethodName;
  readonly account: Account;
}

/**
 * Runs a program with its loopback connections bound, until the last process it started is gone.
 *
 * @throws LbcapError before the program was started: `RUN_PERMISSION`, `PLATFORM_UNSUPPORTED`,
 * `ENGINE_LIMIT`, `COMMAND_UNKNOWN`, `COMMAND_REFUSED`, `RUN_FAILED`
 */
export async function run(request: RunRequest): Promise<RunResult> {
  requireLinux();
  await requireLocal(request.sources);
  const method = await chooseMethod(request);
  try {
    const kernel = await openKernel();
    const caller = sudoCaller(kernel, request.environment);
    const environment = { ...(caller?.environment ?? request.environment), ...method.environment };
    const command = { words: request.words, environment };
    const status = await runChild(kernel, command, (work) => {
      method.fork(() => {
        becomeAnd(kernel, caller?.credentials ?? null, work);
      });
    });
    if (method.alive()) await waitForTheRest(method, request);
    return { status, method: method.name, account: method.account() };
  } finally {
    await method.close();
  }
}

function becomeAnd(kernel: Kernel, credentials: Credentials | null, work: () => void): void {
  if (credentials === null) work();
  else withCredentials(kernel, credentials, work);
}

async function chooseMethod(request: RunRequest): Promise<Method> {
  if (request.method === 'bpf') return openBpf(request);
  if (request.method === 'seccomp') return openSeccomp(request);
  try {
    return await openBpf(request);
  } catch (error) {
    const lacking =
      error instanceof LbcapError &&
      ['RUN_PERMISSION', 'PLATFORM_UNSUPPORTED'].includes(error.code);
    if (!lacking) throw error;
    const method = await openSeccomp(request);
    request.onNotice(
      'without the rights for BPF: using seccomp, which misses UDP that is not connected and what binds first',
    );
    return method;
  }
}

/** Only here, for its worker is of no use to the other method. */
async function openSeccomp(request: RunRequest): Promise<Method> {
  const seccomp = await import('./seccomp-run.js');
  return seccomp.openSeccomp(await openKernel(), request);
}

/** Children that outlive the program keep their label: it goes when lbcap does. */
async function waitForTheRest(method: Method, request: RunRequest): Promise<void> {
  let asked = false;
  const end = () => {
    method.end(asked ? 'kill' : 'ask');
    asked = true;
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
  for (const signal of signals) process.on(signal, end);
  request.onNotice('the program has ended, waiting for what it started (Ctrl-C ends that)');
  try {
    await method.emptied();
  } catch (error) {
    throw isSystemError(error)
      ? new LbcapError('RUN_FAILED', `the run cannot be watched (${messageOf(error)})`)
      : error;
  } finally {
    for (const signal of signals) process.off(signal, end);
  }
}
