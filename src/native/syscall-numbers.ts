/** Numbers of the Linux system calls that libc may have no function for, by architecture. */
import { LbcapError } from '../errors.js';

export type SystemCallName =
  | 'bpf'
  | 'exit_group'
  | 'fcntl'
  | 'pipe2'
  | 'seccomp'
  | 'setgroups'
  | 'setresgid'
  | 'setresuid'
  | 'pidfd_open'
  | 'pidfd_getfd'
  | 'fsopen'
  | 'fsconfig'
  | 'fsmount';

/** What method seccomp looks at. */
export type AskedCall = 'connect' | 'sendto' | 'bind';

export interface Architecture {
  /** AUDIT_ARCH_… (<linux/audit.h>): what a seccomp filter is told. */
  readonly audit: number;
  /** Calls that a seccomp filter asks about. */
  readonly asked: Readonly<Record<AskedCall, number>>;
  readonly numbers: Readonly<Record<SystemCallName, number>>;
}

/** Since Linux 5 new calls have one number everywhere. */
const everywhere = {
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  pidfd_open: 434,
  pidfd_getfd: 438,
} as const;

/** arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const architectures: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000_003e,
    asked: { connect: 42, sendto: 44, bind: 49 },
    numbers: {
      ...everywhere,
      bpf: 321,
      exit_group: 231,
      fcntl: 72,
      pipe2: 293,
      seccomp: 317,
      setgroups: 116,
      setresuid: 117,
      setresgid: 119,
    },
  },
  arm64: {
    audit: 0xc000_00b7,
    asked: { connect: 203, sendto: 206, bind: 200 },
    numbers: {
      ...everywhere,
      bpf: 280,
      exit_group: 94,
      fcntl: 25,
      pipe2: 59,
      seccomp: 277,
      setgroups: 159,
      setresuid: 147,
      setresgid: 149,
    },
  },
};

/**
 * @param arch as `process.arch` names it
 * @throws LbcapError `PLATFORM_UNSUPPORTED` for one whose numbers are not known
 */
export function architectureOf(arch: string): Architecture {
  const found = Object.hasOwn(architectures, arch) ? architectures[arch] : undefined;
  if (found !== undefined) return found;
  throw new LbcapError(
    'PLATFORM_UNSUPPORTED',
    `lbcap run does not know the system calls of ${arch}`,
    `it knows ${Object.keys(architectures).join(' and ')}; lbcap run --recipe shows how to bind by hand`,
  );
}
