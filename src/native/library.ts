/** Finds and loads libpcap at first use, and says what the one that was found can do. */
import { LbcapError, messageOf } from '../errors.js';
import { platform, type Platform } from '../loopback/platform.js';
import { installCommand } from './install-command.js';
import { loadKoffi, type Koffi } from './koffi.js';
import { layouts } from './layouts.js';
import {
  cPrototypes,
  optionalCPrototypes,
  pcapPrototypes,
  type CFunctions,
  type PcapFunctions,
  type Pointer,
} from './symbols.js';

/** libpcap, loaded: its functions, the C library's, and what this release can do. */
export interface Library {
  readonly koffi: Koffi;
  readonly pcap: PcapFunctions;
  readonly c: CFunctions;
  readonly layouts: ReturnType<typeof layouts>;
  /** Address of libpcap's own `pcap_dump`: the packet callback, called by C without JavaScript. */
  readonly dump: Pointer;
  /** As the library says it, `libpcap version 1.10.3 (with TPACKET_V3)`. */
  readonly version: string;
  /** pcap_breakloop from another thread ends a pcap_dispatch that waits for a packet. */
  readonly breakWakes: boolean;
}

/** File names of libpcap by system; several because the soname depends on who packaged it. */
const fileNames: Readonly<Record<Platform, readonly string[]>> = {
  // Debian's soname is libpcap.so.0.8; Fedora's, Arch's and Alpine's is libpcap.so.1.
  linux: ['libpcap.so.0.8', 'libpcap.so.1', 'libpcap.so'],
  // Not on disk since macOS 11: dyld gives them out of its cache.
  darwin: ['/usr/lib/libpcap.A.dylib', '/usr/lib/libpcap.dylib', 'libpcap.dylib'],
  freebsd: ['libpcap.so.8', 'libpcap.so'],
  openbsd: ['libpcap.so'],
  netbsd: ['libpcap.so'],
  other: ['libpcap.so'],
};

let loading: Promise<Library> | undefined;

/**
 * libpcap, from the environment variable LBCAP_LIBPCAP or else by its usual names.
 * Rejects with `LIBPCAP_MISSING` or, without koffi, `ENGINE_MISSING`.
 */
export function loadLibrary(): Promise<Library> {
  loading ??= loadKoffi().then((koffi) => open(koffi, process.env['LBCAP_LIBPCAP']));
  return loading;
}

/**
 * True where pcap_breakloop wakes a waiting pcap_dispatch: on Linux since libpcap 1.10, which polls
 * an eventfd beside the socket. A BSD's BPF device ends each read by its timeout anyway.
 */
export function breakLoopWakes(version: string, system: Platform): boolean {
  if (system !== 'linux') return true;
  const numbers = /version (\d+)\.(\d+)/.exec(version);
  if (numbers === null) return false;
  const [major, minor] = [Number(numbers[1]), Number(numbers[2])];
  return major > 1 || (major === 1 && minor >= 10);
}

function open(koffi: Koffi, override: string | undefined): Library {
  const names = override === undefined || override === '' ? fileNames[platform()] : [override];
  const failures: string[] = [];
  let handle: ReturnType<Koffi['load']> | undefined;
  for (const name of names) {
    try {
      handle = koffi.load(name);
      break;
    } catch (error) {
      failures.push(`${name}: ${messageOf(error)}`);
    }
  }
  if (handle === undefined) {
    throw new LbcapError(
      'LIBPCAP_MISSING',
      override === undefined || override === ''
        ? 'libpcap is not installed'
        : `LBCAP_LIBPCAP names ${override}, which cannot be loaded`,
      override === undefined || override === '' ? installCommand('libpcap') : 'unset it or mend it',
      { details: { tried: failures } },
    );
  }
  const pcap = resolvePcap(handle);
  const version = pcap.pcap_lib_version();
  const own = koffi.load(null);
  const c = Object.fromEntries([
    ...Object.entries(cPrototypes).map(([name, text]) => [name, own.func(text)] as const),
    ...Object.entries(optionalCPrototypes).map(
      ([name, text]) => [name, optionalFunction(own, text)] as const,
    ),
  ]) as unknown as CFunctions;
  return {
    koffi,
    pcap,
    c,
    layouts: layouts(koffi),
    dump: handle.symbol('pcap_dump') as Pointer,
    version,
    breakWakes: breakLoopWakes(version, platform()),
  };
}

function resolvePcap(handle: ReturnType<Koffi['load']>): PcapFunctions {
  const functions: Record<string, unknown> = {};
  for (const [name, { since, required, text }] of Object.entries(pcapPrototypes)) {
    try {
      functions[name] = handle.func(text);
    } catch (cause) {
      if (!required) continue;
      throw new LbcapError(
        'LIBPCAP_MISSING',
        `the libpcap found here has no ${name}, which came with ${since}`,
        `a newer one is needed: ${installCommand('libpcap')}`,
        { cause },
      );
    }
  }
  return functions as unknown as PcapFunctions;
}

function optionalFunction(library: ReturnType<Koffi['load']>, text: string): unknown {
  try {
    return library.func(text);
  } catch {
    return undefined;
  }
}
