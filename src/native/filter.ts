/** Compiles capture filters (pcap-filter(7)), and says where one is wrong. */
import { LbcapError } from '../errors.js';
import { platform } from '../loopback/platform.js';
import { unknownNetmask } from './layouts.js';
import type { Library } from './library.js';
import type { Pointer } from './symbols.js';
import { oneLine } from './text.js';

/** What a filter became. */
export interface CompiledFilter {
  /** BPF instructions. The Linux kernel takes 4096; beyond, libpcap filters by itself. */
  readonly instructions: number;
}

/** BPF_MAXINSNS of the Linux kernel (<linux/bpf_common.h>). */
export const kernelInstructionLimit = 4096;

/**
 * Compiles `text` for a link type without capturing anything. Throws `FILTER_INVALID` with
 * libpcap's words and, where it can be known, the 1-based `position` in `details`.
 * A host name in it is looked up in the DNS, as tcpdump does.
 */
export function compileOnly(library: Library, text: string, linkType: number): CompiledFilter {
  return withFileFilter(library, text, linkType, (_program, compiled) => compiled);
}

/** Lends `text`, compiled for packets as they stand in files: there a VLAN tag is in the packet. */
export function withFileFilter<T>(
  library: Library,
  text: string,
  linkType: number,
  use: (program: Pointer, compiled: CompiledFilter) => T,
): T {
  const { pcap } = library;
  const handle = pcap.pcap_open_dead(dltOf(linkType), 262_144);
  if (handle === null) throw new LbcapError('CAPTURE_FAILED', 'no memory to compile a filter');
  try {
    return withFilter(library, handle, text, use);
  } finally {
    pcap.pcap_close(handle);
  }
}

/** Compiles `text` on a handle and lends the program to `use`. */
export function withFilter<T>(
  library: Library,
  handle: Pointer,
  text: string,
  use: (program: Pointer, compiled: CompiledFilter) => T,
): T {
  const { koffi, pcap, layouts } = library;
  // C would read up to the NUL and silently take a wider filter than was written.
  const nul = text.indexOf('\0');
  if (nul >= 0) throw invalid(text, 'a NUL character', nul + 1);
  const program = koffi.alloc(layouts.bpfProgram, 1) as Pointer;
  try {
    if (pcap.pcap_compile(handle, program, text, 1, unknownNetmask) !== 0) {
      const words = pcap.pcap_geterr(handle);
      throw invalid(
        text,
        words,
        positionOf(text, words, (part) => compiles(library, handle, part)),
      );
    }
    try {
      const { bf_len: instructions } = koffi.decode(program, layouts.bpfProgram) as {
        bf_len: number;
      };
      return use(program, { instructions });
    } finally {
      pcap.pcap_freecode(program);
    }
  } finally {
    koffi.free(program);
  }
}

/**
 * Where a filter goes wrong, 1-based; `null` where that cannot be told. libpcap gives no position:
 * it either quotes the word it dislikes, or says "syntax error", and then the longest beginning
 * that is a filter by itself tells how far the text made sense.
 */
export function positionOf(
  text: string,
  words: string,
  compilesAlone: (part: string) => boolean,
): number | null {
  const quoted = /['"]([^'"]+)['"]|(?:port number|VLAN tag) (\d+)/.exec(words);
  const word = quoted?.[1] ?? quoted?.[2];
  if (word !== undefined) {
    const at = text.indexOf(word);
    return at < 0 ? null : at + 1;
  }
  if (!words.includes('syntax error')) return null;
  const starts = [...text.matchAll(/[()]|[^\s()]+/g)].map((match) => match.index);
  // Each try is a compilation; nobody types a longer filter, and a program's text is not searched.
  if (starts.length > 64) return null;
  if (compilesAlone(text + ')'.repeat(Math.max(0, unclosed(text)))))
    return text.lastIndexOf('(') + 1;
  for (let index = starts.length - 1; index > 0; index--) {
    const before = text.slice(0, starts[index]);
    const open = unclosed(before);
    if (open < 0) continue;
    const close = ')'.repeat(open);
    // After a connective the beginning lacks one primitive to be a filter: any will do.
    if (compilesAlone(before + close) || compilesAlone(`${before} ip${close}`)) {
      return starts[index] + 1;
    }
  }
  return starts.length === 0 ? null : starts[0] + 1;
}

function unclosed(text: string): number {
  return text.split('(').length - text.split(')').length;
}

function compiles(library: Library, handle: Pointer, text: string): boolean {
  const { koffi, pcap, layouts } = library;
  const program = koffi.alloc(layouts.bpfProgram, 1) as Pointer;
  try {
    if (pcap.pcap_compile(handle, program, text, 0, unknownNetmask) !== 0) return false;
    pcap.pcap_freecode(program);
    return true;
  } finally {
    koffi.free(program);
  }
}

function invalid(text: string, words: string, position: number | null): LbcapError {
  const where = position === null ? '' : ` at character ${position}`;
  return new LbcapError(
    'FILTER_INVALID',
    `the filter '${oneLine(text)}' is refused${where} (${oneLine(words)})`,
    'see pcap-filter(7) for the syntax',
    { details: position === null ? { words } : { words, position } },
  );
}

/** LINKTYPE_ values are libpcap's DLT_ values, but for raw IP (pcap-common.c says why). */
function dltOf(linkType: number): number {
  if (linkType === 101) return platform() === 'openbsd' ? 14 : 12;
  return linkType;
}
