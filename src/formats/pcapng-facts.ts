/** What a pcapng says of its capture: machine, program, comments and losses (draft-ietf-opsawg-pcapng, 4.1 and 4.6). */
import {
  blockLayout,
  interfaceStatisticsLayout,
  optionCodes,
  sectionHeaderLayout,
} from './pcapng-layout.js';
import { readOptions } from './pcapng-options.js';

/** Text as the file has it: whoever shows it escapes it. */
export interface SectionFacts {
  readonly hardware: string | null;
  readonly os: string | null;
  readonly application: string | null;
  readonly comments: readonly string[];
}

/** Counts since the capture began; `null` is "not said". */
export interface InterfaceCounts {
  readonly interfaceId: number;
  readonly interfaceDropped: number | null;
  readonly kernelDropped: number | null;
}

/** @param bytes a whole section header block, whose length the reader has checked */
export function readSectionFacts(bytes: Uint8Array, bigEndian: boolean): SectionFacts {
  const { section, comment } = optionCodes;
  const texts = new Map<number, string>();
  const comments: string[] = [];
  for (const { code, start, length } of optionsOf(bytes, sectionHeaderLayout.options, bigEndian)) {
    // Some writers count the zero at the end of a string.
    const text = Buffer.from(bytes.subarray(start, start + length))
      .toString('utf8')
      .replace(/\0+$/, '');
    if (code === comment) comments.push(text);
    else texts.set(code, text);
  }
  const textOf = (code: number) => texts.get(code) ?? null;
  return {
    hardware: textOf(section.hardware),
    os: textOf(section.os),
    application: textOf(section.application),
    comments,
  };
}

/**
 * @param bytes a whole interface statistics block
 * @returns `null` where it is too short to name an interface
 */
export function readInterfaceCounts(bytes: Uint8Array, bigEndian: boolean): InterfaceCounts | null {
  const { interfaceId, options } = interfaceStatisticsLayout;
  if (bytes.length < options + blockLayout.trailer) return null;
  const view = viewOf(bytes);
  const counts = new Map<number, number>();
  for (const { code, start, length } of optionsOf(bytes, options, bigEndian)) {
    if (length === 8) counts.set(code, Number(view.getBigUint64(start, !bigEndian)));
  }
  const { statistics } = optionCodes;
  return {
    interfaceId: view.getUint32(interfaceId, !bigEndian),
    interfaceDropped: counts.get(statistics.interfaceDropped) ?? null,
    kernelDropped: counts.get(statistics.kernelDropped) ?? null,
  };
}

function* optionsOf(
  bytes: Uint8Array,
  offset: number,
  bigEndian: boolean,
): Generator<{ code: number; start: number; length: number }> {
  const end = bytes.length - blockLayout.trailer;
  for (const option of readOptions(viewOf(bytes), offset, end, !bigEndian)) {
    if (option.length >= 0) yield option;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
