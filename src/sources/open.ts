/** Opens a capture of any format that lbcap reads: told by its first bytes. */
import { LbcapError } from '../errors.js';
import { blockLayout, blockTypes } from '../formats/pcapng-layout.js';
import { Section, sectionByteOrder } from '../formats/pcapng-section.js';
import { fileHeaderSize, readFileHeader } from '../formats/pcap.js';
import type { Arena, Region } from '../packet/arena.js';
import { maximumCapturedLength } from '../packet/batch.js';
import { linkTypes } from '../packet/link-layer.js';
import type { ByteInput } from './byte-input.js';
import { decompressed } from './decompress.js';
import { PcapSource } from './file.js';
import { PcapngSource, type PcapngOptions, type PcapngStart } from './pcapng.js';
import type { Source } from './source.js';

export interface OpenOptions {
  /**
   * Packets of pcapng stay in their blocks, which a pcapng file can take as they are (`BatchFormat.blocks`).
   * Without it they become pcap records.
   */
  readonly blocks?: boolean;
  /** Nanoseconds whatever a pcapng has; without it as its first interface has them, or finer. */
  readonly nanoseconds?: boolean;
  /** Skip damage, and count it (`Source.leftOut`), instead of ending at it. */
  readonly repair?: boolean;
  readonly onNames?: PcapngOptions['onNames'];
}

/** How far a regular file is looked into for its interfaces. */
const mostPeeked = 1024 * 1024;

/**
 * @param input open; closed again when this fails
 * @param regions of an arena, `fileRegionSizes`
 * @throws INPUT_IO, INPUT_FORMAT, INPUT_DAMAGED
 */
export async function openCapture(
  input: ByteInput,
  arena: Arena,
  regions: readonly Region[],
  options: OpenOptions = {},
): Promise<Source> {
  let opened = input;
  try {
    opened = await decompressed(input);
    const first = await opened.peek(blockLayout.overhead);
    const view = viewOf(first);
    if (first.length >= 4 && view.getUint32(0) === blockTypes.sectionHeader) {
      return await openPcapng(opened, arena, regions, options);
    }
    // Not a byte more: of a live stream the next is that of a packet, which may be long in coming.
    const bytes = new Uint8Array(await opened.peek(fileHeaderSize(first)));
    const header = readFileHeader(bytes, opened.name);
    const itself = bytes.subarray(0, header.size);
    return new PcapSource(opened, arena, regions, header, itself, options.repair === true);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function openPcapng(
  input: ByteInput,
  arena: Arena,
  regions: readonly Region[],
  { blocks = false, nanoseconds = false, repair = false, onNames }: OpenOptions,
): Promise<Source> {
  const bytes = await input.peek(blockLayout.overhead);
  if (bytes.length === blockLayout.overhead && sectionByteOrder(viewOf(bytes), 0) === null) {
    throw new LbcapError(
      'INPUT_FORMAT',
      `${input.name} is not a pcapng file: it begins like one, but its byte-order magic is wrong`,
      'was it copied as text?',
      { details: { offset: 0 } },
    );
  }
  const section = await firstInterfaces(input);
  const isFine = section.interfaces.some(({ rate }) => rate.perSecond > 1_000_000n);
  const form = { blocks, nanoseconds: nanoseconds || isFine };
  const [first] = section.interfaces;
  const start: PcapngStart = {
    format: {
      linkType: first?.linkType ?? linkTypes.ETHERNET,
      bigEndian: !section.little,
      nanoseconds: form.nanoseconds,
      ...(blocks ? { blocks: { tick: first?.rate.tick ?? 1e-6, offset: first?.offset ?? 0 } } : {}),
    },
    snaplen: section.interfaces.reduce(
      (most, { snaplen }) => Math.max(most, snaplen === 0 ? maximumCapturedLength : snaplen),
      first === undefined ? maximumCapturedLength : 0,
    ),
  };
  return new PcapngSource(input, arena, regions, start, {
    form,
    repair,
    ...(onNames === undefined ? {} : { onNames }),
  });
}

/**
 * Looks ahead at the descriptions before the first packet. Of a stream only the first: the next block may be
 * long in coming. What is damaged is found again, and told, by the source.
 */
async function firstInterfaces(input: ByteInput): Promise<Section> {
  const section = new Section({ blocks: false, nanoseconds: false });
  const ahead = input.size === null ? null : await input.peek(mostPeeked);
  const first = async (length: number) => viewOf(ahead ?? (await input.peek(length)));
  for (let at = 0; ;) {
    const head = await first(at + blockLayout.overhead);
    if (head.byteLength < at + blockLayout.overhead) return section;
    const order = sectionByteOrder(head, at);
    // Only the first section's.
    if (order !== null && at > 0) return section;
    const little = order === null ? section.little : order === 'little';
    const type = head.getUint32(at + blockLayout.type, little);
    const total = head.getUint32(at + blockLayout.totalLength, little);
    const isPacket =
      type === blockTypes.enhancedPacket ||
      type === blockTypes.simplePacket ||
      type === blockTypes.packet;
    const end = at + total;
    if (isPacket || total < blockLayout.overhead || end > mostPeeked) return section;
    const block = await first(end);
    if (block.byteLength < end || section.take(block, at, end) !== null) return section;
    at = end;
    if (input.size === null && section.interfaces.length > 0) return section;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
