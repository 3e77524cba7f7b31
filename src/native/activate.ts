/** Opens an interface for capture, and turns each way of failing into an error with its remedy. */
import { LbcapError } from '../errors.js';
import { platform } from '../loopback/platform.js';
import { kernelInstructionLimit, withFilter } from './filter.js';
import { listInterfaces } from './interfaces.js';
import {
  errorBufferSize,
  fcntlNumbers,
  linuxSocket,
  nanosecondPrecision,
  pcapError,
} from './layouts.js';
import type { Library } from './library.js';
import { permissionMissing, unknownInterface } from './refusals.js';
import type { Pointer } from './symbols.js';
import { cText, oneLine } from './text.js';

export interface ActivateOptions {
  readonly interface: string;
  /** Bytes kept of each packet, 1 to 262144. */
  readonly snaplen: number;
  /** Kernel buffer, bytes. */
  readonly bufferSize: number;
  /** pcap-filter(7) text; `null` takes everything. */
  readonly filter: string | null;
  /** Timestamps in nanoseconds, else microseconds. */
  readonly nanoseconds: boolean;
  /** How long the kernel may hold packets back to hand over many at once, milliseconds. */
  readonly timeout: number;
  /** Told what a person should know and what is no error. */
  readonly onNotice: (text: string) => void;
}

export interface Activated {
  readonly handle: Pointer;
  /**
   * pcap_stats counts exactly the packets that come out or are dropped: not where libpcap sorts
   * packets out by itself, and not on a BSD, which counts before its filter.
   */
  readonly countsExactly: boolean;
  /**
   * The descriptor of a socket on Linux's loopback whose packets need nothing more done to them in
   * user space, but for those from before the filter; else `null`.
   */
  readonly plainSocket: number | null;
}

/**
 * An activated handle with its filter in place: libpcap drops what came in before the filter was.
 * Throws `INTERFACE_UNKNOWN`, `CAPTURE_PERMISSION`, `FILTER_INVALID`, `ENGINE_LIMIT` (nanoseconds)
 * or `CAPTURE_FAILED`.
 */
export function activate(library: Library, options: ActivateOptions): Activated {
  const { pcap } = library;
  // C would cut the name at a NUL and open another interface than was named.
  if (/[\0\n]/.test(options.interface) || options.interface === '') {
    throw unknownInterface(options.interface, interfaceNames(library));
  }
  const errors = new Uint8Array(new ArrayBuffer(errorBufferSize));
  const handle = pcap.pcap_create(options.interface, errors);
  if (handle === null) throw new LbcapError('CAPTURE_FAILED', `libpcap: ${cText(errors)}`);
  try {
    pcap.pcap_set_snaplen(handle, options.snaplen);
    pcap.pcap_set_promisc(handle, 0);
    pcap.pcap_set_timeout(handle, options.timeout);
    pcap.pcap_set_buffer_size(handle, options.bufferSize);
    if (options.nanoseconds) askForNanoseconds(library, handle, options.interface);
    const status = pcap.pcap_activate(handle);
    if (status < 0) throw activationError(library, handle, status, options.interface);
    if (status > 0) options.onNotice(`${options.interface}: ${words(library, handle, status)}`);
    const fd = pcap.pcap_get_selectable_fd(handle);
    closeOnExec(library, fd);
    const tuned = tuneLinuxSocket(library, fd, options.interface);
    const inKernel =
      options.filter === null || setFilter(library, handle, options.filter, options.onNotice);
    return {
      handle,
      countsExactly: tuned.countsOnce && inKernel,
      plainSocket: tuned.ignoresOutgoing && inKernel ? fd : null,
    };
  } catch (error) {
    pcap.pcap_close(handle);
    throw error;
  }
}

function askForNanoseconds(library: Library, handle: Pointer, name: string): void {
  const status = library.pcap.pcap_set_tstamp_precision?.(handle, nanosecondPrecision);
  if (status === 0) return;
  throw new LbcapError(
    'ENGINE_LIMIT',
    `libpcap gives no nanosecond timestamps on ${name}`,
    'capture without --nano',
  );
}

/** libpcap (1.10.3) opens its socket without O_CLOEXEC: every child would inherit the capture. */
function closeOnExec(library: Library, fd: number): void {
  if (fd >= 0) library.c.fcntl(fd, fcntlNumbers.setFlags, 'int', fcntlNumbers.closeOnExec);
}

/**
 * Two requests to Linux that libpcap does not make. Where the kernel refuses one, nothing else
 * changes. Gives whether the kernel hands each packet over once, and whether the second did it.
 *
 * SO_TIMESTAMP: without it each capture socket reads the clock when its own turn comes, and two
 * tcpdumps beside each other disagree by a microsecond on nearly every other packet (measured). With
 * it the packet is stamped once, when it arrives, and every program sees that stamp.
 *
 * PACKET_IGNORE_OUTGOING (4.20): each packet passes `lo` twice, out and in, and libpcap throws the
 * outgoing copy away after it has been copied into the ring. So the kernel does not even make it:
 * the same packets, twice the time until the ring overflows, and a drop count that counts packets
 * once.
 */
function tuneLinuxSocket(
  library: Library,
  fd: number,
  name: string,
): { countsOnce: boolean; ignoresOutgoing: boolean } {
  if (platform() !== 'linux' || fd < 0) return { countsOnce: false, ignoresOutgoing: false };
  const { levelSocket, timestamp, levelPacket, ignoreOutgoing } = linuxSocket;
  const one = new Uint8Array(new Int32Array([1]).buffer);
  library.c.setsockopt(fd, levelSocket, timestamp, one, one.length);
  if (!listInterfaces(library).some((each) => each.name === name && each.loopback)) {
    return { countsOnce: true, ignoresOutgoing: false };
  }
  const ignoresOutgoing =
    library.c.setsockopt(fd, levelPacket, ignoreOutgoing, one, one.length) === 0;
  return { countsOnce: ignoresOutgoing, ignoresOutgoing };
}

/** Gives whether the kernel does the filtering. */
function setFilter(
  library: Library,
  handle: Pointer,
  text: string,
  onNotice: (text: string) => void,
): boolean {
  return withFilter(library, handle, text, (program, { instructions }) => {
    const inKernel = platform() !== 'linux' || instructions <= kernelInstructionLimit;
    if (!inKernel) {
      onNotice(
        `the filter is ${instructions} BPF instructions long and the kernel takes ${kernelInstructionLimit}: libpcap filters instead, at a higher cost`,
      );
    }
    if (library.pcap.pcap_setfilter(handle, program) < 0) {
      throw new LbcapError(
        'CAPTURE_FAILED',
        `the filter cannot be installed (${library.pcap.pcap_geterr(handle)})`,
      );
    }
    return inKernel;
  });
}

function activationError(
  library: Library,
  handle: Pointer,
  status: number,
  name: string,
): LbcapError {
  const why = words(library, handle, status);
  switch (status) {
    case pcapError.noSuchDevice:
      return unknownInterface(name, interfaceNames(library));
    case pcapError.permissionDenied:
    case pcapError.promiscuousPermissionDenied:
      return permissionMissing(name, why);
    case pcapError.interfaceNotUp:
      return new LbcapError('CAPTURE_FAILED', `${name} is not up`, 'bring it up first');
    default:
      return new LbcapError('CAPTURE_FAILED', `cannot capture on ${name} (${why})`);
  }
}

function interfaceNames(library: Library): string[] {
  return listInterfaces(library).map((each) => each.name);
}

/** libpcap's explanation, which only some codes have, else the code's own words. On one line. */
function words(library: Library, handle: Pointer, status: number): string {
  const text = oneLine(library.pcap.pcap_geterr(handle));
  return text === '' ? library.pcap.pcap_statustostr(status) : text;
}
