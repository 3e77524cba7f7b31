/** The walk over pcapng blocks: finds packets, and makes their headers records where that is asked for. */
import type { Arena, Region } from '../packet/arena.js';
import {
  blockLead,
  maximumCapturedLength,
  type BatchFormat,
  type EnhancedBlocks,
} from '../packet/batch.js';
import { EnhancedRows } from './enhanced-row.js';
import {
  blockLayout,
  blockTypes,
  enhancedPacketLayout,
  padded,
  simplePacketLayout,
} from './pcapng-layout.js';
import type { PacketForm, Section } from './pcapng-section.js';
import { convertTicks } from './ticks.js';

/** No block may be longer, 16 MiB: as for libpcap (sf-pcapng.c) and Wireshark. */
export const longestBlock = 16 * 1024 * 1024;

/** Packets of one walk: more than a chunk of usual ones has. */
const mostPackets = 32_768;

/** Bytes for where they begin. */
export const startsSize = (mostPackets + 1) * Int32Array.BYTES_PER_ELEMENT;

/**
 * Why a walk has ended: the block at `at` is not whole; it is no packet; its packet is of another
 * format than those before; there is no more room for packets; it cannot be (`problem` says why).
 */
export type Stop = 'cut' | 'other block' | 'format' | 'full' | 'damage';

export class PacketWalk {
  /** Offsets of the record headers found, in the arena. */
  readonly starts: Int32Array;
  count = 0;
  /** Of the packets found; of one format all. */
  format: BatchFormat | null = null;
  /** Where the walk has ended. */
  at = 0;
  /** After `damage`: what is wrong at `at`. */
  problem = '';
  /** The interface that was looked at last; -1 when there is no packet. */
  interfaceId = -1;
  /** Of the block at `at`, as far as it is known: 0 when not even its header is there. */
  totalLength = 0;
  readonly #arena: Arena;
  readonly #section: Section;
  readonly #form: PacketForm;
  readonly #longest: number;
  readonly #side: Region;
  readonly #rows: EnhancedRows;
  #sideNext = 0;

  /**
   * @param longest no packet block is longer, bytes
   * @param side room for simple packet blocks, which lack what a record header has
   * @param room for the starts, of `startsSize`
   */
  constructor(
    arena: Arena,
    section: Section,
    form: PacketForm,
    longest: number,
    side: Region,
    room: Region,
  ) {
    this.starts = new Int32Array(arena.bytes.buffer, room.start, mostPackets + 1);
    this.#arena = arena;
    this.#section = section;
    this.#form = form;
    this.#side = side;
    this.#longest = longest;
    this.#rows = new EnhancedRows(arena, longest, this.starts);
  }

  /** Forgets what the walk before has found, and walks on in `[start, end)`. */
  walk(start: number, end: number): Stop {
    const { view } = this.#arena;
    const { little, interfaces } = this.#section;
    const { blocks, nanoseconds } = this.#form;
    const perSecond = nanoseconds ? 1e9 : 1e6;
    const { starts } = this;
    this.#sideNext = this.#side.start;
    this.count = 0;
    this.format = null;
    this.problem = '';
    let count = 0;
    let format: BatchFormat | null = null;
    let lastId = -1;
    let last = interfaces[0];
    let at = start;
    let stop: Stop;
    for (;;) {
      // Nearly all blocks, in a loop of their own. Whatever else there is, is told below: so is the first
      // of each interface, since only there it is seen whether there is such an interface.
      const known = count;
      if (lastId >= 0) count = this.#rows.find(at, end, lastId, little, count);
      if (count > known) {
        at = starts[count];
        if (!blocks) this.#rows.convert(known, count, little, last.rate, last.offset, perSecond);
      }
      this.totalLength = 0;
      if (at + blockLayout.body > end) {
        stop = 'cut';
        break;
      }
      const type = view.getInt32(at, little);
      const total = view.getUint32(at + blockLayout.totalLength, little);
      const isPacket = type === blockTypes.enhancedPacket || type === blockTypes.packet;
      if (!isPacket && type !== blockTypes.simplePacket) {
        stop = 'other block';
        break;
      }
      this.totalLength = total;
      const least = isPacket ? enhancedPacketLayout.minimumSize : simplePacketLayout.minimumSize;
      if ((total & 3) !== 0 || total < least || total > longestBlock) {
        stop = this.#damaged(lengthProblem(total, least));
        break;
      }
      if (total > this.#longest) {
        stop = this.#damaged(
          `a packet block of ${total} bytes, and lbcap takes ${this.#longest} at most`,
        );
        break;
      }
      const next = at + total;
      if (next > end) {
        stop = 'cut';
        break;
      }
      if (view.getInt32(next - blockLayout.trailer, little) !== total) {
        stop = this.#damaged(trailerProblem(total, view.getUint32(next - 4, little)));
        break;
      }
      if (count === mostPackets) {
        stop = 'full';
        break;
      }
      const id = !isPacket
        ? 0
        : type === blockTypes.enhancedPacket
          ? view.getUint32(at + enhancedPacketLayout.interfaceId, little)
          : view.getUint16(at + enhancedPacketLayout.interfaceId, little);
      if (id !== lastId) {
        if (id >= interfaces.length) {
          stop = this.#damaged(`a packet of interface ${id}, of which there is no description`);
          break;
        }
        if (format !== null && interfaces[id].format !== format) {
          stop = 'format';
          break;
        }
        last = interfaces[id];
        lastId = id;
        format = last.format;
      }
      let record = at + blockLead;
      if (isPacket) {
        const captured = view.getUint32(at + enhancedPacketLayout.capturedLength, little);
        if (
          captured > total - enhancedPacketLayout.minimumSize ||
          captured > maximumCapturedLength
        ) {
          stop = this.#damaged(
            `a packet block of ${total} bytes claims ${captured} captured bytes`,
          );
          break;
        }
      } else {
        record = this.#enhance(at, total, last.snaplen);
        if (record < 0) {
          stop = count === 0 ? this.#damaged(`a simple packet block of ${total} bytes`) : 'full';
          break;
        }
      }
      if (!blocks) convertTicks(view, record, little, last.rate, last.offset, perSecond);
      starts[count++] = record;
      at = next;
    }
    this.at = at;
    this.count = count;
    this.format = format;
    this.interfaceId = count > 0 ? lastId : -1;
    return stop;
  }

  /**
   * What a walk of Enhanced Packet Blocks of the last packet's interface needs, until the next section begins.
   * @returns `null` where it takes more than that walk can do
   */
  enhanced(): EnhancedBlocks | null {
    const id = this.interfaceId;
    if (id < 0) return null;
    const { little, interfaces } = this.#section;
    const { view } = this.#arena;
    const { starts } = this;
    const longest = this.#longest;
    const { blocks, nanoseconds } = this.#form;
    const { rate, offset } = interfaces[id];
    const perSecond = nanoseconds ? 1e9 : 1e6;
    if (!blocks && (rate.small === 0 || !Number.isSafeInteger(offset))) return null;
    return {
      interfaceId: id,
      longest,
      clock: blocks ? null : { ticks: rate.small, offset, perSecond },
      take: (at, end) => {
        if (this.#rows.find(at, end, id, little, 0, 1) === 0) return -1;
        if (!blocks) convertTicks(view, at + blockLead, little, rate, offset, perSecond);
        return starts[1];
      },
    };
  }

  #damaged(problem: string): 'damage' {
    this.problem = problem;
    return 'damage';
  }

  /** Copies a simple packet block as an enhanced one to the side; -1 where there is no room. */
  #enhance(at: number, total: number, snaplen: number): number {
    const { bytes, view } = this.#arena;
    const { little } = this.#section;
    const original = view.getUint32(at + simplePacketLayout.originalLength, little);
    const there = total - simplePacketLayout.minimumSize;
    const captured = Math.min(original, snaplen === 0 ? original : snaplen, there);
    if (captured > maximumCapturedLength) return -1;
    const block = this.#sideNext;
    const size = enhancedPacketLayout.minimumSize + padded(captured);
    if (block + size > this.#side.start + this.#side.size) return -1;
    this.#sideNext = block + size;
    const put = (field: number, value: number) => {
      view.setUint32(block + field, value, little);
    };
    put(blockLayout.type, blockTypes.enhancedPacket);
    put(blockLayout.totalLength, size);
    put(enhancedPacketLayout.interfaceId, 0);
    // A simple packet block has no timestamp: libpcap takes 0.
    put(enhancedPacketLayout.timestampHigh, 0);
    put(enhancedPacketLayout.timestampLow, 0);
    put(enhancedPacketLayout.capturedLength, captured);
    put(enhancedPacketLayout.originalLength, original);
    const data = at + simplePacketLayout.data;
    bytes.copyWithin(block + enhancedPacketLayout.data, data, data + captured);
    bytes.fill(0, block + enhancedPacketLayout.data + captured, block + size - blockLayout.trailer);
    put(size - blockLayout.trailer, size);
    return block + blockLead;
  }
}

/** What is wrong with a block's total length. */
export function lengthProblem(total: number, least: number): string {
  if ((total & 3) !== 0) return `a block claims ${total} bytes, which is not a multiple of 4`;
  return total < least
    ? `a block claims ${total} bytes, and ${least} is the least there can be`
    : `a block claims ${total} bytes, and ${longestBlock} is the most there can be`;
}

export function trailerProblem(total: number, trailer: number): string {
  return `a block claims ${total} bytes at its start and ${trailer} at its end`;
}
