/** The functions of libpcap and of the C library that lbcap calls, and since when they exist. */
import type { KoffiFunc } from 'koffi';

/** An address in this process. koffi gives `null` for NULL. */
export type Pointer = bigint;

/** What koffi passes as `void *`: an address, or memory of ours that C only uses during the call. */
type Memory = Pointer | Uint8Array | null;

interface Prototype {
  /** The release of libpcap that brought it (CHANGES in its source). */
  readonly since: string;
  /** Without a required symbol the library is of no use; an optional one costs one ability. */
  readonly required: boolean;
  readonly text: string;
}

function required(since: string, text: string): Prototype {
  return { since, required: true, text };
}

function optional(since: string, text: string): Prototype {
  return { since, required: false, text };
}

/** Every release of libpcap that is still about has the required ones: the newest is of 2008. */
export const pcapPrototypes = {
  pcap_lib_version: required('0.8', 'const char *pcap_lib_version()'),
  pcap_findalldevs: required('0.7', 'int pcap_findalldevs(void *list, void *errors)'),
  pcap_freealldevs: required('0.7', 'void pcap_freealldevs(void *list)'),
  pcap_create: required('1.0', 'void *pcap_create(const char *source, void *errors)'),
  pcap_set_snaplen: required('1.0', 'int pcap_set_snaplen(void *p, int bytes)'),
  pcap_set_promisc: required('1.0', 'int pcap_set_promisc(void *p, int on)'),
  pcap_set_timeout: required('1.0', 'int pcap_set_timeout(void *p, int ms)'),
  pcap_set_buffer_size: required('1.0', 'int pcap_set_buffer_size(void *p, int bytes)'),
  pcap_set_tstamp_precision: optional('1.5', 'int pcap_set_tstamp_precision(void *p, int unit)'),
  pcap_activate: required('1.0', 'int pcap_activate(void *p)'),
  pcap_statustostr: required('1.0', 'const char *pcap_statustostr(int code)'),
  pcap_geterr: required('0.4', 'const char *pcap_geterr(void *p)'),
  pcap_open_dead: required('0.6', 'void *pcap_open_dead(int dlt, int snaplen)'),
  pcap_compile: required(
    '0.4',
    'int pcap_compile(void *p, void *program, const char *text, int optimize, uint32_t netmask)',
  ),
  pcap_setfilter: required('0.4', 'int pcap_setfilter(void *p, void *program)'),
  pcap_freecode: required('0.6', 'void pcap_freecode(void *program)'),
  pcap_offline_filter: optional(
    '1.0',
    'int pcap_offline_filter(void *program, void *header, void *packet)',
  ),
  pcap_get_selectable_fd: required('0.8', 'int pcap_get_selectable_fd(void *p)'),
  pcap_setnonblock: required('0.7', 'int pcap_setnonblock(void *p, int on, void *errors)'),
  pcap_dispatch: required(
    '0.4',
    'int pcap_dispatch(void *p, int count, void *callback, void *user)',
  ),
  pcap_breakloop: required('0.8', 'void pcap_breakloop(void *p)'),
  pcap_stats: required('0.4', 'int pcap_stats(void *p, void *stats)'),
  pcap_dump_fopen: required('0.9', 'void *pcap_dump_fopen(void *p, void *file)'),
  pcap_dump_close: required('0.4', 'void pcap_dump_close(void *dumper)'),
  pcap_close: required('0.4', 'void pcap_close(void *p)'),
} as const satisfies Record<string, Prototype>;

/** POSIX.1-2008, in the C library that the Node executable itself runs on. */
export const cPrototypes = {
  open_memstream: 'void *open_memstream(void *address, void *size)',
  fflush: 'int fflush(void *file)',
  ferror: 'int ferror(void *file)',
  fseek: 'int fseek(void *file, long offset, int whence)',
  free: 'void free(void *memory)',
  memcpy: 'void *memcpy(void *to, void *from, size_t size)',
  setsockopt: 'int setsockopt(int fd, int level, int name, void *value, uint32_t size)',
  getsockopt: 'int getsockopt(int fd, int level, int name, void *value, void *size)',
  fcntl: 'int fcntl(int fd, int command, ...)',
} as const;

/** What only some C libraries have. */
export const optionalCPrototypes = {
  // stdio_ext.h of Solaris, glibc and musl.
  __fsetlocking: 'int __fsetlocking(void *file, int type)',
  // Linux alone is asked for these: elsewhere their types differ.
  mmap: 'void *mmap(void *address, size_t size, int protection, int flags, int fd, int64_t offset)',
  poll: 'int poll(void *entries, unsigned long count, int timeout)',
  eventfd: 'int eventfd(unsigned int value, int flags)',
} as const;

export interface PcapFunctions {
  pcap_lib_version(): string;
  pcap_findalldevs(list: Memory, errors: Memory): number;
  pcap_freealldevs(list: Pointer | null): void;
  pcap_create(source: string, errors: Memory): Pointer | null;
  pcap_set_snaplen(p: Pointer, bytes: number): number;
  pcap_set_promisc(p: Pointer, on: number): number;
  pcap_set_timeout(p: Pointer, ms: number): number;
  pcap_set_buffer_size(p: Pointer, bytes: number): number;
  pcap_set_tstamp_precision?(p: Pointer, unit: number): number;
  pcap_activate(p: Pointer): number;
  pcap_statustostr(code: number): string;
  pcap_geterr(p: Pointer): string;
  pcap_open_dead(dlt: number, snaplen: number): Pointer | null;
  pcap_compile(p: Pointer, program: Memory, text: string, optimize: number, mask: number): number;
  pcap_setfilter(p: Pointer, program: Memory): number;
  pcap_freecode(program: Memory): void;
  pcap_offline_filter?(program: Memory, header: Memory, packet: Memory): number;
  pcap_get_selectable_fd(p: Pointer): number;
  pcap_setnonblock(p: Pointer, on: number, errors: Memory): number;
  /** Through `async` where it may wait for packets. */
  readonly pcap_dispatch: KoffiFunc<
    (p: Pointer, count: number, callback: Pointer, user: Pointer) => number
  >;
  pcap_breakloop(p: Pointer): void;
  pcap_stats(p: Pointer, stats: Memory): number;
  pcap_dump_fopen(p: Pointer, file: Pointer): Pointer | null;
  pcap_dump_close(dumper: Pointer): void;
  pcap_close(p: Pointer): void;
}

export interface CFunctions {
  open_memstream(address: Pointer, size: Pointer): Pointer | null;
  fflush(file: Pointer): number;
  ferror(file: Pointer): number;
  fseek(file: Pointer, offset: number, whence: number): number;
  free(memory: Pointer): void;
  memcpy(to: Memory, from: Memory, size: number): Pointer;
  setsockopt(fd: number, level: number, name: number, value: Memory, size: number): number;
  getsockopt(fd: number, level: number, name: number, value: Memory, size: Memory): number;
  fcntl(fd: number, command: number, type: 'int', argument: number): number;
  __fsetlocking?(file: Pointer, type: number): number;
  mmap?(
    address: Pointer,
    size: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ): Pointer;
  /** Through `async`. */
  readonly poll?: KoffiFunc<(entries: Uint8Array, count: number, timeout: number) => number>;
  eventfd?(value: number, flags: number): number;
}
