/** One run, from the choice of method to the account. */
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import { withCredentials, type Credentials } from '../native/credentials.js';
import { openKernel, requireLinux, type Kernel } from '../native/kernel.js';
import type { Account } from './account.js';
import { openBpf } from './bpf-run.js';
import { sudoCaller, type Caller } from './caller.js';
import { Child } from './child.js';
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
  const kernel = await openKernel();
  let ready: Ready | null = null;
  const prepare = () =>
    (ready ??= { child: new Child(kernel), caller: sudoCaller(kernel, request.environment) });
  try {
    const method = await chooseMethod(kernel, request, prepare);
    try {
      const { child, caller } = prepare();
      const given = caller?.environment ?? request.environment;
      const environment = { ...given, ...method.environment };
      const status = await child.run({ words: request.words, environment }, (work) => {
        method.fork(() => {
          becomeAnd(kernel, caller?.credentials ?? null, work);
        });
      });
      if (method.alive()) await waitForTheRest(method, request);
      return { status, method: method.name, account: method.account() };
    } finally {
      await method.close();
    }
  } finally {
    prepare().child.release();
  }
}

/** What can be done while the kernel does its part. */
interface Ready {
  readonly child: Child;
  readonly caller: Caller | null;
}

function becomeAnd(kernel: Kernel, credentials: Credentials | null, work: () => void): void {
  if (credentials === null) work();
  else withCredentials(kernel, credentials, work);
}

/** @param meanwhile done by the way, but not always */
async function chooseMethod(
  kernel: Kernel,
  request: RunRequest,
  meanwhile: () => void,
): Promise<Method> {
  if (request.method === 'bpf') return openBpf(kernel, request, meanwhile);
  if (request.method === 'seccomp') return openSeccomp(kernel, request);
  try {
    return await openBpf(kernel, request, meanwhile);
  } catch (error) {
    const lacking =
      error instanceof LbcapError &&
      ['RUN_PERMISSION', 'PLATFORM_UNSUPPORTED'].includes(error.code);
    if (!lacking) throw error;
    const method = await openSeccomp(kernel, request);
    request.onNotice(
      'without the rights for BPF: using seccomp, which misses datagrams sent by sendmsg',
    );
    return method;
  }
}

/** Only here, for its worker is of no use to the other method. */
async function openSeccomp(kernel: Kernel, request: RunRequest): Promise<Method> {
  const seccomp = await import('./seccomp-run.js');
  return seccomp.openSeccomp(kernel, request);
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
