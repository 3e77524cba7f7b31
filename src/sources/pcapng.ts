/** A pcapng file or stream as a source of batches. */
import type { LbcapError } from '../errors.js';
import { blockLayout, blockTypes } from '../formats/pcapng-layout.js';
import {
  lengthProblem,
  longestBlock,
  PacketWalk,
  trailerProblem,
} from '../formats/pcapng-packets.js';
import { findBlock } from '../formats/pcapng-repair.js';
import { Section, sectionByteOrder, type PacketForm } from '../formats/pcapng-section.js';
import type { Arena, Region } from '../packet/arena.js';
import type { Batch, BatchFormat, EnhancedBlocks } from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import type { ByteInput } from './byte-input.js';
import { damagedAt, DamageCount } from './damage.js';
import type { Source, Walker } from './source.js';
import { longestUnit, Window } from './window.js';

/** Blocks that wait for a packet to go before are handed over without one, beyond so many bytes. */
const mostWaiting = 1024 * 1024;

/** Batches that come with an index after one that was walked without, and not far. */
const indexedFor = 16;

export interface PcapngOptions {
  readonly form: PacketForm;
  /** Skip damage instead of ending at it. */
  readonly repair: boolean;
  /** Is shown every name resolution block, whole: offsets into `view`. */
  readonly onNames?: (view: DataView, start: number, end: number, little: boolean) => void;
}

/** What is known before the first packet. */
export interface PcapngStart {
  readonly format: BatchFormat;
  readonly snaplen: number;
}

export class PcapngSource implements Source {
  readonly name: string;
  readonly size: number | null;
  readonly format: BatchFormat;
  readonly snaplen: number;
  readonly leftOut = new DamageCount();
  readonly #arena: Arena;
  readonly #window: Window;
  readonly #section: Section;
  readonly #walk: PacketWalk;
  readonly #options: PcapngOptions;
  /** Blocks that are to be handed over before the next packet, and their bytes. */
  #preamble: Uint8Array[] = [];
  #waiting = 0;
  #damage: LbcapError | null = null;
  /** How blocks of the last packet's interface are walked by others, and what their packets are. */
  #enhanced: EnhancedBlocks | null = null;
  #enhancedFormat: BatchFormat | null = null;
  /** Batches that are still to come with an index. */
  #indexed = 0;

  /** @param regions of `fileRegionSizes` */
  constructor(
    input: ByteInput,
    arena: Arena,
    regions: readonly Region[],
    start: PcapngStart,
    options: PcapngOptions,
  ) {
    this.name = input.name;
    this.size = input.size;
    this.format = start.format;
    this.snaplen = start.snaplen;
    this.#arena = arena;
    this.#options = options;
    this.#window = new Window(input, arena, regions);
    this.#section = new Section(options.form);
    this.#walk = new PacketWalk(
      arena,
      this.#section,
      options.form,
      longestUnit,
      regions[3],
      regions[4],
    );
  }

  get position(): number {
    return this.#window.offset;
  }

  async next(): Promise<Batch | null> {
    const window = this.#window;
    const walk = this.#walk;
    for (;;) {
      if (window.stopped) return null;
      if (this.#damage !== null) throw this.#damage;
      const stop = walk.walk(window.start, window.end);
      window.dropTo(walk.at);
      if (walk.count > 0 || this.#waiting > mostWaiting) return this.#batch();
      if (stop === 'damage') await this.#damaged(walk.problem);
      else if (stop === 'other block') {
        // What waits is of the section before: it cannot stand behind the new one's header.
        if (this.#preamble.length > 0 && this.#isSection()) return this.#batch();
        await this.#otherBlock();
      } else if (stop === 'cut') {
        if (!(await this.#window.more()) && !window.stopped) {
          if (window.length === 0) return this.#preamble.length === 0 ? null : this.#batch();
          await this.#cut(walk.totalLength);
        }
      }
    }
  }

  async nextUnchecked({ takesBlocks, format: wanted }: Walker): Promise<Batch | null> {
    const enhanced = this.#enhanced;
    const format = this.#enhancedFormat;
    const isWanted =
      wanted === null ||
      format?.blocks !== undefined ||
      (format?.bigEndian === wanted.bigEndian && format.nanoseconds === wanted.nanoseconds);
    const window = this.#window;
    if (!takesBlocks || enhanced === null || format === null || !isWanted) return this.next();
    if (this.#indexed > 0) {
      this.#indexed--;
      return this.next();
    }
    // Where the walk before has ended: only a cut block is no reason to look closer.
    if (this.#damage !== null || !this.#isCut() || !(await window.more())) return this.next();
    return { format, start: window.start, end: window.end, unchecked: true, enhanced };
  }

  walked(at: number): void {
    const window = this.#window;
    // Where other blocks lie between them, as those of another interface, such walks are short.
    if (at - window.start < window.length / 2) this.#indexed = indexedFor;
    window.dropTo(at);
  }

  stop(): void {
    this.#window.stop();
  }

  counters(): SourceCounters {
    return nothingKnown;
  }

  close(): Promise<void> {
    return this.#window.close();
  }

  /** Whether the window ends before the block at its start does, as far as that can be told. */
  #isCut(): boolean {
    const { start, length } = this.#window;
    if (length < blockLayout.body) return true;
    const { little } = this.#section;
    const total = this.#arena.view.getUint32(start + blockLayout.totalLength, little);
    return total > length && total <= longestUnit;
  }

  #batch(): Batch {
    const { starts, count, format } = this.#walk;
    this.#enhanced = this.#walk.enhanced();
    this.#enhancedFormat = format;
    const preamble = this.#preamble;
    this.#preamble = [];
    this.#waiting = 0;
    return {
      format: format ?? this.#formatWithoutPackets(),
      // Where its bytes are need not be one run: the index has it.
      start: count > 0 ? starts[0] : 0,
      end: count > 0 ? starts[count - 1] : 0,
      index: { starts, count },
      ...(preamble.length === 0 ? {} : { preamble }),
    };
  }

  #formatWithoutPackets(): BatchFormat {
    const [first] = this.#section.interfaces;
    return first?.format ?? { ...this.format, bigEndian: !this.#section.little };
  }

  #isSection(): boolean {
    return this.#arena.view.getUint32(this.#window.start) === blockTypes.sectionHeader;
  }

  /** A block at the window's start that holds no packet; at least its first 8 bytes are there. */
  async #otherBlock(): Promise<void> {
    const window = this.#window;
    const { view } = this.#arena;
    while (window.length < blockLayout.overhead) {
      if (await this.#window.more()) continue;
      await this.#cut(0);
      return;
    }
    const type = view.getUint32(window.start, this.#section.little);
    const isSection = type === blockTypes.sectionHeader;
    const order = isSection ? sectionByteOrder(view, window.start) : null;
    if (isSection && order === null) {
      await this.#damaged('a section header without its byte-order magic');
      return;
    }
    const little = order === null ? this.#section.little : order === 'little';
    const total = view.getUint32(window.start + blockLayout.totalLength, little);
    if ((total & 3) !== 0 || total < blockLayout.overhead || total > longestBlock) {
      await this.#damaged(lengthProblem(total, blockLayout.overhead));
      return;
    }
    if (total > longestUnit) {
      await this.#longBlock(total, little);
      return;
    }
    while (window.length < total) {
      if (await this.#window.more()) continue;
      await this.#cut(total);
      return;
    }
    const end = window.start + total;
    const trailer = view.getUint32(end - blockLayout.trailer, little);
    const problem =
      trailer === total
        ? this.#take(view, window.start, end, little)
        : trailerProblem(total, trailer);
    if (problem === null) window.dropTo(end);
    else await this.#damaged(problem);
  }

  /** A block that the window could not hold whole is gathered apart. */
  async #longBlock(total: number, little: boolean): Promise<void> {
    const window = this.#window;
    // Behind damage the window is searched: it must not have been left.
    if (this.#options.repair) {
      await this.#damaged(
        `a block of ${total} bytes, and ${longestUnit} is the most that a repair takes`,
      );
      return;
    }
    const { offset } = window;
    const block = new Uint8Array(total);
    for (let filled = 0; filled < total;) {
      if (window.length === 0 && !(await this.#window.more())) {
        if (!window.stopped) this.#damage = damagedAt(this.name, offset, cutBlock(total, filled));
        return;
      }
      const end = Math.min(window.end, window.start + total - filled);
      block.set(this.#arena.bytes.subarray(window.start, end), filled);
      filled += end - window.start;
      window.dropTo(end);
    }
    const view = new DataView(block.buffer);
    const trailer = view.getUint32(total - blockLayout.trailer, little);
    const problem =
      trailer === total ? this.#take(view, 0, total, little) : trailerProblem(total, trailer);
    if (problem !== null) this.#damage = damagedAt(this.name, offset, problem);
  }

  /** @returns what is wrong with the block, or `null` */
  #take(view: DataView, start: number, end: number, little: boolean): string | null {
    const type = view.getUint32(start + blockLayout.type, little);
    const problem = this.#section.take(view, start, end);
    if (problem !== null) return problem;
    if (type === blockTypes.nameResolution) this.#options.onNames?.(view, start, end, little);
    if (this.#options.form.blocks) {
      const { buffer, byteOffset } = view;
      this.#preamble.push(new Uint8Array(buffer.slice(byteOffset + start, byteOffset + end)));
      this.#waiting += end - start;
    }
    return null;
  }

  /** The input ends inside a block of which `total` bytes were needed; 0 when not even that is known. */
  async #cut(total: number): Promise<void> {
    if (this.#window.stopped) return;
    await this.#damaged(cutBlock(total, this.#window.length));
  }

  /** Ends at what is wrong at the window's start, or finds the next block. */
  async #damaged(what: string): Promise<void> {
    const window = this.#window;
    if (!this.#options.repair) {
      this.#damage = damagedAt(this.name, window.offset, what);
      return;
    }
    const { offset } = window;
    let from = window.start + 1;
    for (;;) {
      const { little } = this.#section;
      const found = findBlock(this.#arena.view, from, window.end, little, longestUnit);
      window.dropTo(Math.min(found.at, window.end));
      if (found.isSure) break;
      if (await this.#window.more()) from = window.start;
      else if (window.length > 0) from = window.start + 1;
      else break;
    }
    this.leftOut.add(window.offset - offset);
  }
}

function cutBlock(total: number, there: number): string {
  return total === 0
    ? `cut inside the header of a block, ${there} bytes are there`
    : `cut inside a block of ${total} bytes, of which ${there} are there`;
}
