/** Builds pcapng blocks other than packets: values in, bytes out, little-endian unless asked. Pure. */
import {
  blockLayout,
  blockTypes,
  byteOrderMagic,
  nameRecords,
  optionCodes,
  padded,
  interfaceStatisticsLayout,
} from './pcapng-layout.js';

/** An option's code and its value, which is text (UTF-8) or bytes. */
export type BlockOption = readonly [code: number, value: string | Uint8Array];

/** The most that an option's 16-bit length can say. */
const longestOption = 0xffff;

const text = new TextEncoder();

export interface SectionDescription {
  /** The machine's processor, as uname(1) and /proc/cpuinfo name it. */
  readonly hardware?: string | undefined;
  readonly os?: string | undefined;
  readonly application?: string | undefined;
  readonly comments?: readonly string[] | undefined;
}

/** A section header of version 1.0, whose section's length is not said. */
export function sectionHeader(description: SectionDescription): Uint8Array {
  const fixed = new Uint8Array(16);
  const view = new DataView(fixed.buffer);
  view.setUint32(0, byteOrderMagic, true);
  view.setUint16(4, 1, true);
  view.setBigInt64(8, -1n, true);
  const { section } = optionCodes;
  const { hardware, os, application, comments = [] } = description;
  return block(blockTypes.sectionHeader, fixed, [
    ...comments.map((comment): BlockOption => [optionCodes.comment, comment]),
    ...present(section.hardware, hardware),
    ...present(section.os, os),
    ...present(section.application, application),
  ]);
}

export interface InterfaceDescription {
  /** LINKTYPE_ value, 16 bits. */
  readonly linkType: number;
  /** Bytes; 0 is no limit. */
  readonly snaplen: number;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** pcap-filter(7) text that the packets passed. */
  readonly filter?: string | undefined;
  readonly os?: string | undefined;
}

/** An interface whose timestamps count nanoseconds. */
export function interfaceDescription(description: InterfaceDescription): Uint8Array {
  const fixed = new Uint8Array(8);
  const view = new DataView(fixed.buffer);
  view.setUint16(0, description.linkType, true);
  view.setUint32(4, description.snaplen, true);
  const codes = optionCodes.interface;
  const { name, description: words, filter, os } = description;
  return block(blockTypes.interfaceDescription, fixed, [
    ...present(codes.name, name),
    ...present(codes.description, words),
    [codes.resolution, Uint8Array.of(9)],
    // The first byte says that the filter is text, not BPF code.
    ...(filter === undefined
      ? []
      : [[codes.filter, concat([Uint8Array.of(0), text.encode(filter)])] as const]),
    ...present(codes.os, os),
  ]);
}

export interface NamedAddress {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly name: string;
}

/** `null` where there are no names: a block without a record has no use. */
export function nameResolution(
  names: readonly NamedAddress[],
  bigEndian = false,
): Uint8Array | null {
  if (names.length === 0) return null;
  const records = names.map(({ address, name }) =>
    option(
      address.length === 4 ? nameRecords.ipv4 : nameRecords.ipv6,
      concat([address, text.encode(name), Uint8Array.of(0)]),
      bigEndian,
    ),
  );
  const body = concat([...records, new Uint8Array(4)]);
  return block(blockTypes.nameResolution, body, [], bigEndian);
}

/** Counts since the capture began, nanoseconds since 1970. `null` is "not known" and is left out. */
export interface InterfaceStatistics {
  readonly interfaceId: number;
  /** When the counts were taken. */
  readonly at: bigint;
  readonly startTime: bigint | null;
  readonly endTime: bigint | null;
  readonly received: number | null;
  readonly interfaceDropped: number | null;
  readonly kernelDropped: number | null;
  /** Packets that went into this file. */
  readonly delivered: number | null;
}

/** Bytes of a block with every option: the fixed part, six of 64 bits and the end of them. */
export const longestStatistics =
  interfaceStatisticsLayout.options + 6 * 12 + 4 + blockLayout.trailer;

export function interfaceStatistics(statistics: InterfaceStatistics): Uint8Array {
  const codes = optionCodes.statistics;
  const fixed = new Uint8Array(12);
  new DataView(fixed.buffer).setUint32(0, statistics.interfaceId, true);
  fixed.set(timestamp(statistics.at), 4);
  return block(blockTypes.interfaceStatistics, fixed, [
    ...present(codes.startTime, statistics.startTime, timestamp),
    ...present(codes.endTime, statistics.endTime, timestamp),
    ...present(codes.received, statistics.received, count),
    ...present(codes.interfaceDropped, statistics.interfaceDropped, count),
    ...present(codes.kernelDropped, statistics.kernelDropped, count),
    ...present(codes.delivered, statistics.delivered, count),
  ]);
}

/** Times stand as two 32-bit words, the upper one first, whatever the byte order. */
function timestamp(nanoseconds: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Number((nanoseconds >> 32n) & 0xffff_ffffn), true);
  view.setUint32(4, Number(nanoseconds & 0xffff_ffffn), true);
  return bytes;
}

function count(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

/** An option, or none where there is no value. */
function present<T>(
  code: number,
  value: T | null | undefined,
  encode?: (value: T) => Uint8Array,
): BlockOption[] {
  if (value === null || value === undefined) return [];
  return [[code, encode === undefined ? String(value) : encode(value)]];
}

/** @param fixed what stands before the options, in the right byte order */
export function block(
  type: number,
  fixed: Uint8Array,
  options: readonly BlockOption[],
  bigEndian = false,
): Uint8Array {
  const encoded = options.map(([code, value]) =>
    option(code, typeof value === 'string' ? text.encode(value) : value, bigEndian),
  );
  if (encoded.length > 0) encoded.push(new Uint8Array(4));
  const body = concat([fixed, ...encoded]);
  const total = blockLayout.overhead + body.length;
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  view.setUint32(blockLayout.type, type, !bigEndian);
  view.setUint32(blockLayout.totalLength, total, !bigEndian);
  bytes.set(body, blockLayout.body);
  view.setUint32(total - 4, total, !bigEndian);
  return bytes;
}

/** Code, length, value, padding. What is too long for its length field is cut. */
function option(code: number, value: Uint8Array, bigEndian = false): Uint8Array {
  const kept = value.subarray(0, longestOption);
  const bytes = new Uint8Array(4 + padded(kept.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, code, !bigEndian);
  view.setUint16(2, kept.length, !bigEndian);
  bytes.set(kept, 4);
  return bytes;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
