/** Changes options of blocks that are copied from another file. Pure; bounds come from the block. */
import {
  blockLayout,
  blockTypes,
  interfaceDescriptionLayout,
  interfaceStatisticsLayout,
  optionCodes,
  sectionHeaderLayout,
} from './pcapng-layout.js';
import { readOptions } from './pcapng-options.js';
import { block, type BlockOption } from './pcapng-write.js';

/** Of a whole block, whose length the reader has checked. */
export function blockType(bytes: Uint8Array, bigEndian: boolean): number {
  return viewOf(bytes).getUint32(blockLayout.type, !bigEndian);
}

/**
 * A section header for a file with fewer packets, and with these comments besides its own: its
 * section's length is not said.
 */
export function sectionHeaderWith(
  bytes: Uint8Array,
  comments: readonly string[],
  bigEndian: boolean,
): Uint8Array {
  const options = optionsOf(bytes, sectionHeaderLayout.options, bigEndian);
  const fixed = bytes.slice(blockLayout.body, sectionHeaderLayout.options);
  fixed.fill(0xff, sectionHeaderLayout.sectionLength - blockLayout.body);
  const added = comments.map((comment): BlockOption => [optionCodes.comment, comment]);
  return block(blockTypes.sectionHeader, fixed, [...options, ...added], bigEndian);
}

/** An interface description with a name where it has none; `always` replaces the one it has. */
export function interfaceNamed(
  bytes: Uint8Array,
  name: string,
  always: boolean,
  bigEndian: boolean,
): Uint8Array {
  const codes = optionCodes.interface;
  const options = optionsOf(bytes, interfaceDescriptionLayout.options, bigEndian);
  const before = options.find(([code]) => code === codes.name);
  if (before !== undefined && !always) return bytes;
  const kept = options.filter((option) => option !== before);
  // What the interface was called is worth a description where there is none.
  const isDescribed = kept.some(([code]) => code === codes.description);
  const added: BlockOption[] = [[codes.name, name]];
  if (before !== undefined && !isDescribed) added.push([codes.description, before[1]]);
  const fixed = bytes.slice(blockLayout.body, interfaceDescriptionLayout.options);
  return block(blockTypes.interfaceDescription, fixed, [...added, ...kept], bigEndian);
}

/** The interface that a statistics block has counts of; -1 where there is no room for one. */
export function statisticsInterface(bytes: Uint8Array, bigEndian: boolean): number {
  const at = interfaceStatisticsLayout.interfaceId;
  return bytes.length < at + 8 ? -1 : viewOf(bytes).getUint32(at, !bigEndian);
}

/** The same block about another interface. */
export function statisticsOf(bytes: Uint8Array, id: number, bigEndian: boolean): Uint8Array {
  const copy = bytes.slice();
  viewOf(copy).setUint32(interfaceStatisticsLayout.interfaceId, id, !bigEndian);
  return copy;
}

/** The options behind `offset`, as far as they are whole. */
function optionsOf(bytes: Uint8Array, offset: number, bigEndian: boolean): BlockOption[] {
  const end = bytes.length - blockLayout.trailer;
  const options: BlockOption[] = [];
  for (const { code, start, length } of readOptions(viewOf(bytes), offset, end, !bigEndian)) {
    if (length >= 0) options.push([code, bytes.slice(start, start + length)]);
  }
  return options;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
