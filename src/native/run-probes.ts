/** Whether this kernel lets this process use what `lbcap run` needs, asked by calls without effect. */
import { closeSync } from 'node:fs';
import { isSystemError } from '../errors.js';
import { loadProgram } from './bpf.js';
import type { Kernel } from './kernel.js';

/** `r0 = 1; exit`: lets every connection be. */
const harmless = Buffer.from('b7000000010000009500000000000000', 'hex');

const SECCOMP_GET_NOTIF_SIZES = 3;
/** struct seccomp_notif_sizes: three 16-bit words. */
const sizesSize = 6;

/** Loads a program that is attached to nothing. @returns `null`, or why not: `EPERM`, `EINVAL`, … */
export function probeBpf(kernel: Kernel): string | null {
  return codeOf(() => {
    closeSync(loadProgram(kernel, 'connect4', harmless));
  });
}

/** User notification, Linux 5.0. @returns `null`, or why not */
export function probeSeccomp(kernel: Kernel): string | null {
  return codeOf(() => {
    kernel.call('seccomp', SECCOMP_GET_NOTIF_SIZES, 0, Buffer.alloc(sizesSize));
  });
}

function codeOf(attempt: () => void): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (isSystemError(error)) return error.code ?? 'refused';
    throw error;
  }
}
