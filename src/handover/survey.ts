/** The first look at a capture: how much it holds, from when to when, and what it says of itself. */
import { LbcapError } from '../errors.js';
import { readSectionFacts, type SectionFacts } from '../formats/pcapng-facts.js';
import { blockTypes } from '../formats/pcapng-layout.js';
import { blockType } from '../formats/pcapng-rewrite.js';
import type { AddressBytes } from '../labels/label.js';
import type { Arena, Region } from '../packet/arena.js';
import { recordLayout, type Batch, type BatchFormat } from '../packet/batch.js';
import { linkLayerOf, unknownLayer } from '../packet/link-layer.js';
import { openFileInput } from '../sources/file-input.js';
import { openCapture } from '../sources/open.js';
import type { CapturedNames } from './captured-names.js';
import type { CapturePath } from './capture-paths.js';
import { CommonAddresses } from './common-addresses.js';
import { DropCounts, type Drops } from './drop-counts.js';
import { TimeSpan } from './time-span.js';

export interface Survey extends CapturePath {
  readonly format: 'pcap' | 'pcapng';
  readonly compressed: boolean;
  /** Bytes of the file that were read: decompressed ones where it is compressed. */
  readonly size: number;
  readonly bigEndian: boolean;
  readonly nanoseconds: boolean;
  /** LINKTYPE_ values, in the order in which they came. */
  readonly linkTypes: readonly number[];
  readonly packets: number;
  /** As long as they were on the wire. */
  readonly bytes: number;
  /** Packets of which the capture has only the front. */
  readonly cut: number;
  /** Earliest and latest packet, nanoseconds since 1970; `null` when there is none. */
  readonly first: bigint | null;
  readonly last: bigint | null;
  /** Most microseconds by which a packet is earlier than one before it; 0 in order of time. */
  readonly stepBack: number;
  readonly drops: Drops;
  /** Of the first section; `null` for pcap. */
  readonly section: SectionFacts | null;
  /** Of all sections. */
  readonly comments: readonly string[];
  /** Every IP packet has each of them at one end. */
  readonly common: readonly AddressBytes[];
  /** What ended it early: what stands before was read. */
  readonly damage: LbcapError | null;
}

/** A capture of which nothing could be read. */
export interface Unreadable extends CapturePath {
  readonly error: LbcapError;
}

/**
 * Reads a whole capture once. A file that is damaged gives what is before the damage.
 * @param names is shown every name that the capture has for an address
 * @param onProgress is told how far it is, bytes
 * @throws INPUT_IO, INPUT_FORMAT; INPUT_DAMAGED where not even its front can be read
 */
export async function surveyCapture(
  capture: CapturePath,
  arena: Arena,
  regions: readonly Region[],
  names: CapturedNames,
  onProgress: (position: number) => void,
): Promise<Survey> {
  const input = await openFileInput(capture.path);
  const source = await openCapture(input, arena, regions, { blocks: true });
  const tally = new Tally(arena.view, names);
  let damage: LbcapError | null = null;
  try {
    for (;;) {
      const batch = await source.next();
      if (batch === null) break;
      tally.take(batch);
      onProgress(source.position);
    }
  } catch (error) {
    if (!(error instanceof LbcapError) || error.code !== 'INPUT_DAMAGED') throw error;
    damage = error;
  } finally {
    await source.close();
  }
  const { format } = source;
  const isPcapng = format.blocks !== undefined;
  return {
    ...capture,
    format: isPcapng ? 'pcapng' : 'pcap',
    compressed: source.size === null,
    size: source.position,
    bigEndian: format.bigEndian,
    nanoseconds: format.nanoseconds || (format.blocks?.tick ?? 1) < 1e-6,
    linkTypes: tally.linkTypes.length > 0 ? tally.linkTypes : [format.linkType],
    packets: tally.packets,
    bytes: tally.bytes,
    cut: tally.cut,
    first: tally.span.first,
    last: tally.span.last,
    stepBack: tally.span.stepBack,
    drops: tally.drops.sum,
    section: tally.section,
    comments: tally.comments,
    common: tally.common.addresses,
    damage,
  };
}

/** The first packet of all, nanoseconds since 1970: what a report's times are relative to. */
export function originOf(surveys: readonly Survey[]): bigint {
  const firsts = surveys.flatMap(({ first }) => (first === null ? [] : [first]));
  return firsts.reduce((least, first) => (first < least ? first : least), firsts[0] ?? 0n);
}

class Tally {
  packets = 0;
  bytes = 0;
  cut = 0;
  section: SectionFacts | null = null;
  readonly comments: string[] = [];
  readonly linkTypes: number[] = [];
  readonly common = new CommonAddresses();
  readonly drops = new DropCounts();
  readonly span: TimeSpan;
  readonly #view: DataView;
  readonly #names: CapturedNames;

  constructor(view: DataView, names: CapturedNames) {
    this.span = new TimeSpan(view);
    this.#view = view;
    this.#names = names;
  }

  take(batch: Batch): void {
    const { format, index, preamble = [] } = batch;
    for (const bytes of preamble) this.#block(bytes, format.bigEndian);
    const count = index?.count ?? Infinity;
    if (count === 0) return;
    if (!this.linkTypes.includes(format.linkType)) this.linkTypes.push(format.linkType);
    const view = this.#view;
    const little = !format.bigEndian;
    let at = batch.start;
    let latest = -1;
    let [latestHigh, latestLow] = [0, 0];
    for (let number = 0; number < count; number++) {
      if (index !== undefined) at = index.starts[number];
      else if (at >= batch.end) break;
      const captured = view.getUint32(at + recordLayout.capturedLength, little);
      const wire = view.getUint32(at + recordLayout.originalLength, little);
      const high = view.getUint32(at, little);
      const low = view.getUint32(at + recordLayout.fraction, little);
      if (latest < 0) this.span.begin(at);
      if (high > latestHigh || (high === latestHigh && low >= latestLow)) {
        latest = at;
        latestHigh = high;
        latestLow = low;
      } else {
        this.span.stepsBack(at, latest, format);
      }
      this.packets++;
      this.bytes += wire;
      if (captured < wire) this.cut++;
      const packet = at + recordLayout.size;
      at = packet + captured;
      if (!this.common.settled) this.#addresses(format, packet, at);
    }
    if (latest >= 0) this.span.end(latest, format);
  }

  #addresses({ linkType }: BatchFormat, packet: number, end: number): void {
    const ip = (linkLayerOf(linkType) ?? unknownLayer).findIp(this.#view, packet, end);
    if (ip >= 0) this.common.take(this.#view, ip, end);
  }

  #block(bytes: Uint8Array, bigEndian: boolean): void {
    switch (blockType(bytes, bigEndian)) {
      case blockTypes.sectionHeader: {
        const facts = readSectionFacts(bytes, bigEndian);
        this.section ??= facts;
        this.comments.push(...facts.comments.filter((text) => !this.comments.includes(text)));
        this.drops.beginSection();
        return;
      }
      case blockTypes.interfaceStatistics:
        this.drops.take(bytes, bigEndian);
        return;
      case blockTypes.nameResolution: {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        this.#names.take(view, 0, bytes.length, !bigEndian);
        return;
      }
      default:
    }
  }
}
