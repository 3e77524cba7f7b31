/** libpcap's structures and numbers, each with its place in <pcap/pcap.h>. */
import { LbcapError } from '../errors.js';
import type { Koffi } from './koffi.js';

/** Room for libpcap's words about an error, bytes (PCAP_ERRBUF_SIZE). */
export const errorBufferSize = 256;

/** What pcap_dispatch, pcap_activate and others return instead of a count (PCAP_ERROR_…). */
export const pcapError = {
  generic: -1,
  /** pcap_breakloop ended the call. */
  break: -2,
  noSuchDevice: -5,
  permissionDenied: -8,
  interfaceNotUp: -9,
  promiscuousPermissionDenied: -11,
} as const;

/** PCAP_TSTAMP_PRECISION_NANO. */
export const nanosecondPrecision = 1;

/** Flag of an interface in pcap_findalldevs' list (PCAP_IF_LOOPBACK). */
export const loopbackFlag = 1;

/** PCAP_NETMASK_UNKNOWN: `ip broadcast` cannot be compiled, nothing else needs the mask. */
export const unknownNetmask = 0xffff_ffff;

/** struct pcap_stat: three u_int. Windows has more fields, which is why nobody else does. */
export const statsLayout = { received: 0, dropped: 4, interfaceDropped: 8, size: 12 } as const;

/** struct pcap_file_header (pcap-savefile(5)), as pcap_dump_fopen writes it, in host byte order. */
export const fileHeaderLayout = { magic: 0, linkType: 20, size: 24 } as const;
export const nanosecondMagic = 0xa1b2_3c4d;

/**
 * Numbers of Linux: <linux/if_packet.h> and <asm-generic/socket.h>, which every architecture that
 * Node runs on uses.
 */
export const linuxSocket = {
  levelPacket: 263,
  ignoreOutgoing: 23,
  levelSocket: 1,
  timestamp: 29,
} as const;

/** <fcntl.h>: the same on Linux, macOS and the BSDs. */
export const fcntlNumbers = { setFlags: 2, closeOnExec: 1 } as const;

/** struct pcap_if as pcap_findalldevs links them. */
export interface InterfaceEntry {
  readonly next: bigint | null;
  readonly name: string;
  readonly flags: number;
}

export interface Layouts {
  /** Bytes. */
  readonly pointerSize: number;
  readonly pcapInterface: ReturnType<Koffi['struct']>;
  readonly bpfProgram: ReturnType<Koffi['struct']>;
}

/** Says how libpcap's structures lie in memory here. */
export function layouts(koffi: Koffi): Layouts {
  const pointer = koffi.sizeof('void *');
  const pcapInterface = koffi.struct({
    next: 'void *',
    name: 'str',
    description: 'str',
    addresses: 'void *',
    flags: 'uint32_t',
  });
  const bpfProgram = koffi.struct({ bf_len: 'uint32_t', bf_insns: 'void *' });
  // A layout that koffi lays out otherwise than a C compiler would write over foreign memory.
  check('pcap_if', koffi.sizeof(pcapInterface), 5 * pointer);
  check('bpf_program', koffi.sizeof(bpfProgram), 2 * pointer);
  return { pointerSize: pointer, pcapInterface, bpfProgram };
}

function check(name: string, found: number, expected: number): void {
  if (found !== expected) {
    throw new LbcapError(
      'INVARIANT',
      `struct ${name} would be ${found} bytes long here where libpcap's is ${expected}`,
    );
  }
}
