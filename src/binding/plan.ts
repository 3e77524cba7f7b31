/** What the BPF programs are made from, and what they are. */
import type { Hook } from '../native/bpf-layouts.js';
import type { Line } from './asm.js';
import type { Surroundings } from './fragments.js';

/** What becomes of connections to ::1. */
export type Ipv6Mode = 'bind' | 'to4' | 'refuse';

export interface Plan extends Surroundings {
  readonly ipv6: Ipv6Mode;
  readonly server: boolean;
  readonly rebind: boolean;
  /** What this kernel can do. */
  readonly features: Features;
}

export interface Features {
  /** bpf_set_retval (5.18): an error other than EPERM. */
  readonly setRetval: boolean;
  /**
   * How IPV6_V6ONLY is known: by bpf_probe_read_kernel, which needs CAP_PERFMON and no lockdown, or
   * from what the process has bound before, by bpf_get_current_pid_tgid (6.0), or not at all.
   */
  readonly ipv6Only: 'asked' | 'guessed' | 'unknown';
  /** bind programs may allow ports below 1024 (5.12). */
  readonly lowPorts: boolean;
}

export interface Program {
  readonly hook: Hook;
  readonly lines: readonly Line[];
}
