/** What `lbcap doctor` looks at, as plain facts: how they are found out is no matter here. */
import type { Endpoint } from '../labels/label.js';
import type { Platform } from './platform.js';

/** Wireshark's capture program. */
export type DumpcapState =
  | { readonly state: 'absent' }
  /** This user may not execute it; `group` may, where its name is known. */
  | { readonly state: 'forbidden'; readonly group: string | null }
  /** It may not capture either, in its words. */
  | { readonly state: 'refused'; readonly words: string }
  /** It may be executed; whether it may capture was not asked, since libpcap may. */
  | { readonly state: 'there' }
  | { readonly state: 'works' };

/** A block of a label, and whether programs can bind to it. */
export interface BindFact {
  readonly label: string;
  readonly endpoint: Endpoint;
  /** The first address that cannot be bound, and the system's code; `null` when all can. */
  readonly failure: { readonly address: string; readonly code: string } | null;
}

/** A docker-proxy: what comes to this host address and port is sent on from Docker's own address. */
export interface ProxyFact {
  readonly host: string;
  readonly port: number;
}

export interface Facts {
  readonly platform: Platform;
  readonly root: boolean;
  /** `command` mends it. */
  readonly libpcap:
    { readonly version: string } | { readonly problem: string; readonly command: string };
  /** `null` when a capture could be opened, else why not; `unknown` without libpcap. */
  readonly captureRefusal: string | null;
  readonly dumpcap: DumpcapState;
  /** Of cap_net_raw and cap_net_admin those that node has without being root. */
  readonly nodeCapabilities: readonly string[];
  /** macOS: whether /dev/bpf0 can be read; `null` elsewhere. */
  readonly bpfDevice: boolean | null;
  readonly interface: { readonly name: string; readonly exists: boolean; readonly up: boolean };
  readonly binds: readonly BindFact[];
  /** ::1 is there. */
  readonly ipv6: boolean;
  /** Where cgroup2 is mounted. */
  readonly cgroup2: string | null;
  /** Why not, as a code of the system; `null` when it can be used. */
  readonly bpfRefusal: string | null;
  readonly seccompRefusal: string | null;
  /** `version` from whichever program is there: they come together. */
  readonly wireshark: {
    readonly wireshark: boolean;
    readonly tshark: boolean;
    readonly version: string | null;
    readonly installCommand: string;
  };
  /** Where Wireshark finds lbcap's interfaces. */
  readonly extcap: string | null;
  /** First and last ephemeral port; `null` when the system does not say. */
  readonly ports: { readonly first: number; readonly last: number } | null;
  /** How many files a process may have open at most. */
  readonly files: number | null;
  readonly proxies: readonly ProxyFact[];
}
