/** Takes packets where the kernel put them: a block of its ring is a batch. */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
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

/** Timers and signals are answered after so many blocks in a row: 4 MiB are a few milliseconds. */
const blocksInARow = 16;

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
  packets = 0;
  isDrained = false;
  onlyLooks = false;
  #next = 0;
  /** The block that is handed out; -1 for none. */
  #lent = -1;
  #inARow = 0;
  #bytesSincePause = 0;
  #pausedAt = 0;
  #pending: Promise<boolean> | null = null;
  #ended = false;

  constructor(capture: Capture, ring: PacketRing, arena: Arena, region: Region, snaplen: number) {
    this.#capture = capture;
    this.#ring = ring;
    this.#arena = arena;
    this.#region = region;
    this.#snaplen = snaplen;
    let newest = 0;
    for (let block = 0; block < ring.blocks; block++) {
      newest = Math.max(newest, ring.sequence(block));
    }
    this.#unfiltered = newest;
  }

  handOut(): Batch | null {
    this.#release();
    const block = this.#next;
    if (this.#inARow >= blocksInARow || !this.#ring.isReady(block)) return null;
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
    this.#inARow++;
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

  drain(): void {
    this.onlyLooks = true;
    this.#capture.breakLoop();
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#release();
    this.#capture.breakLoop();
    await this.#pending?.catch(() => undefined);
  }

  async #fetch(): Promise<boolean> {
    this.#inARow = 0;
    if (this.#ring.isReady(this.#next)) {
      await turn();
      return true;
    }
    if (this.onlyLooks || this.#ended) return false;
    const now = performance.now();
    const pause = this.#canPause(now);
    this.#pausedAt = now;
    this.#bytesSincePause = 0;
    if (pause) await delay(breather);
    else await this.#ring.wait();
    return this.#ring.isReady(this.#next);
  }

  /**
   * Busy, so that the kernel hands over full blocks rather than old ones, and slow enough that the
   * ring does not fill meanwhile.
   */
  #canPause(now: number): boolean {
    const bytes = this.#bytesSincePause;
    if (bytes < ringBlockSize) return false;
    const room = this.#ring.blocks * ringBlockSize * breatherShare;
    return (room * (now - this.#pausedAt)) / bytes >= breather;
  }

  #release(): void {
    if (this.#lent >= 0) this.#ring.release(this.#lent);
    this.#lent = -1;
  }
}
