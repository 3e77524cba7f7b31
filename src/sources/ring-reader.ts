/** Takes packets where the kernel put them: a block of its ring is a batch. */
import { setImmediate as turn } from 'node:timers/promises';
import { blockLayout, mostPackets, readBlock, usedLength } from '../formats/tpacket.js';
import type { Capture } from '../native/capture.js';
import { type PacketRing, ringBlockSize } from '../native/packet-ring.js';
import type { Arena, Region } from '../packet/arena.js';
import type { Batch } from '../packet/batch.js';
import { breather, breatherShare, type LiveReader } from './live-reader.js';

/**
 * Blocks of packets up to this many bytes on average are copied out of the ring at once. Their bytes
 * lie in another processor's cache, and one long copy gets them from there several times as fast as a
 * walk that needs each packet's length to find the next.
 */
const smallPacket = 1024;

/** No packet is kept back for longer than the kernel keeps it (`holdBack` of live.ts). Milliseconds. */
const longestPause = 50;

/**
 * Packets that are cut short fill the ring with so many bytes in a millisecond at most: small datagrams
 * at full rate, as measured. A burst that begins with a pause fills half of the ring, no more.
 */
const fullRateOfSmall = 320 * 1024;

/**
 * As long as no more than this part of the ring is filled, packets that are cut short are left there until
 * somebody wants them: their few bytes cost less to work on all at once.
 */
const roomyShare = 1 / 8;

/** Timers and signals are answered after so many bytes in a row: a few milliseconds. */
const bytesInARow = 16 * ringBlockSize;

export class RingReader implements LiveReader {
  readonly #capture: Capture;
  readonly #ring: PacketRing;
  readonly #arena: Arena;
  /** Where a block is copied. */
  readonly #region: Region;
  readonly #snaplen: number;
  readonly #starts = new Int32Array(mostPackets(ringBlockSize));
  /** Blocks up to this one may hold packets from before the filter. */
  readonly #unfiltered: number;
  /** Milliseconds, after which the ring is looked at. */
  readonly #longestPause: number;
  /** Milliseconds, after which packets are taken however few they are. */
  readonly #patience: number;
  /** With fewer bytes since the last pause the capture is quiet: the next packet is waited for. */
  readonly #quiet: number;
  packets = 0;
  isDrained = false;
  onlyLooks = false;
  #next = 0;
  /** The block that is handed out; -1 for none. */
  #lent = -1;
  #bytesInARow = 0;
  #bytesSincePause = 0;
  #pausedAt = 0;
  /** Ends the pause under way. */
  #awaken: (() => void) | null = null;
  #pending: Promise<boolean> | null = null;
  #ended = false;

  /** @param patience milliseconds for which packets may be left in the ring */
  constructor(
    capture: Capture,
    ring: PacketRing,
    arena: Arena,
    region: Region,
    snaplen: number,
    patience: number,
  ) {
    this.#capture = capture;
    this.#ring = ring;
    this.#arena = arena;
    this.#region = region;
    this.#snaplen = snaplen;
    const isCut = snaplen <= smallPacket;
    const half = (ring.blocks * ringBlockSize) / 2;
    this.#longestPause = isCut ? half / fullRateOfSmall : longestPause;
    this.#patience = isCut ? patience : 0;
    this.#quiet = isCut ? 1 : ringBlockSize;
    let newest = 0;
    for (let block = 0; block < ring.blocks; block++) {
      newest = Math.max(newest, ring.sequence(block));
    }
    this.#unfiltered = newest;
  }

  handOut(): Batch | null {
    this.#release();
    const block = this.#next;
    if (this.#bytesInARow >= bytesInARow || !this.#ring.isReady(block)) return null;
    const { view, bytes } = this.#arena;
    const { format } = this.#capture;
    const starts = this.#starts;
    let start = this.#ring.start + block * ringBlockSize;
    const isUnfiltered = this.#ring.sequence(block) <= this.#unfiltered;
    const length = usedLength(view, start, ringBlockSize);
    this.#next = block + 1 === this.#ring.blocks ? 0 : block + 1;
    this.#lent = block;
    if (length < smallPacket * view.getInt32(start + blockLayout.packets, true)) {
      bytes.copyWithin(this.#region.start, start, start + length);
      start = this.#region.start;
      this.#release();
    }
    let count = readBlock(view, start, length, this.#snaplen, format.nanoseconds, starts);
    if (isUnfiltered) count = this.#capture.keepMatching(this.#arena, starts, count);
    this.#bytesInARow += length;
    this.#bytesSincePause += length;
    this.isDrained = this.onlyLooks;
    if (!this.isDrained) this.packets += count;
    return { format, start, end: start + length, index: { starts, count } };
  }

  fetch(): Promise<boolean> {
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  hurry(): void {
    this.#awaken?.();
  }

  drain(): void {
    this.onlyLooks = true;
    this.#capture.breakLoop();
    this.#awaken?.();
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#release();
    this.#capture.breakLoop();
    this.#awaken?.();
    await this.#pending?.catch(() => undefined);
  }

  async #fetch(): Promise<boolean> {
    this.#bytesInARow = 0;
    if (this.#ring.isReady(this.#next)) {
      await turn();
      return true;
    }
    if (this.onlyLooks || this.#ended) return false;
    const now = performance.now();
    const pause = this.#pause(now);
    this.#pausedAt = now;
    this.#bytesSincePause = 0;
    if (pause > 0) await this.#sleep(pause);
    else await this.#ring.wait();
    return this.#ring.isReady(this.#next);
  }

  /**
   * Milliseconds to leave the capture alone, so that this thread wakes for many packets and not for
   * few; 0 where the ring would fill meanwhile, or where the capture is quiet.
   */
  #pause(now: number): number {
    const bytes = this.#bytesSincePause;
    if (bytes < this.#quiet) return 0;
    const room = this.#ring.blocks * ringBlockSize * breatherShare;
    const untilFull = (room * (now - this.#pausedAt)) / bytes;
    return untilFull < breather ? 0 : Math.min(this.#longestPause, untilFull);
  }

  /** After the longest pause it goes on while the ring has room. Ends early at `hurry`, `drain` and `end`. */
  async #sleep(milliseconds: number): Promise<void> {
    const isRoomy = milliseconds >= this.#longestPause;
    const looks = isRoomy ? Math.ceil(this.#patience / milliseconds) : 1;
    await new Promise<void>((resolve) => {
      let look = 1;
      const timer = setTimeout(() => {
        if (look++ < looks && !this.#isFilling()) timer.refresh();
        else resolve();
      }, milliseconds);
      this.#awaken = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#awaken = null;
  }

  #isFilling(): boolean {
    const { blocks } = this.#ring;
    return this.#ring.isReady((this.#next + Math.floor(blocks * roomyShare)) % blocks);
  }

  #release(): void {
    if (this.#lent >= 0) this.#ring.release(this.#lent);
    this.#lent = -1;
  }
}
