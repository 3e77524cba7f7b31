/** A way to give a program's connections their address, ready for a child to be born into. */
import type { Account } from './account.js';
import type { BindingRequest } from './bpf-method.js';

export type MethodName = 'bpf' | 'seccomp';

export type { BindingRequest };

export interface Method {
  readonly name: MethodName;
  /** Added to the child's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs `fork` so that the child it starts, and the child's children, are bound. */
  fork(fork: () => void): void;
  /** Whether processes of the run are left. @param child the program itself, once it has ended */
  alive(): boolean;
  /** Waits until the last process of the run is gone. */
  emptied(): Promise<void>;
  /** Asks all of them to end (SIGTERM), or ends them. */
  end(how: 'ask' | 'kill'): void;
  account(): Account;
  /** Leaves nothing behind; all processes are gone. */
  close(): void | Promise<void>;
}
