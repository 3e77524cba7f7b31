/** Error numbers of system calls: their names, and the error that a failed call throws. */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

const names = new Map<number, string>();
// The first name wins: EAGAIN before EWOULDBLOCK, ENOTSUP before EOPNOTSUPP.
for (const [name, number] of Object.entries(constants.errno)) {
  if (!names.has(number)) names.set(number, name);
}

/** `EINVAL` for 22; the number itself for what Node has no name for. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? String(errno);
}

/** The number of an error name, as the system that Node was built for counts them. */
export function errnoOf(name: keyof typeof constants.errno): number {
  return constants.errno[name];
}

/** `invalid argument` for 22, as libuv words it. */
export function errnoText(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
}

/** A system call that failed; shaped as Node's own errors are, so that `isSystemError` knows it. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  /** @param errno as <errno.h> has it, above 0 */
  constructor(syscall: string, errno: number, options?: ErrorOptions) {
    super(`${errnoName(errno)}: ${errnoText(errno)}, ${syscall}`, options);
    this.code = errnoName(errno);
    this.errno = errno;
    this.syscall = syscall;
  }
}
