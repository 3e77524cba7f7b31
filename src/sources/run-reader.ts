/** Has libpcap write runs of packet records into a memory stream: works wherever libpcap does. */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { Capture } from '../native/capture.js';
import { pcapError } from '../native/layouts.js';
import type { Arena, Region } from '../packet/arena.js';
import { endOfWholeRecords, type Batch } from '../packet/batch.js';
import { minimumCount, nextCount, runTarget } from './dispatch-count.js';
import { breather, breatherShare, type LiveReader } from './live-reader.js';

/** Busy: so many packets came in one call. */
const busyPackets = 256;

/**
 * How the next packets are fetched: by a worker thread that waits for them; by this one at once,
 * since there are more; or by this one after so many milliseconds.
 */
type Pace = 'wait' | 'at once' | number;

export class RunReader implements LiveReader {
  readonly #capture: Capture;
  readonly #arena: Arena;
  readonly #region: Region;
  readonly #bufferSize: number;
  packets = 0;
  isDrained = false;
  #draining = false;
  #failed = false;
  #count = minimumCount;
  /** Under way before anyone asks: libpcap fills the stream while a batch is worked on. */
  #pending: Promise<number> | null = null;
  /** The run that is being handed out: its length, and how much of it is out. */
  #runLength = 0;
  #runTaken = 0;
  #blocking: boolean;
  /** When the last run came, and how to fetch the next. */
  #lastRunAt = 0;
  #pace: Pace = 'wait';

  constructor(capture: Capture, arena: Arena, region: Region, bufferSize: number) {
    this.#capture = capture;
    this.#arena = arena;
    this.#region = region;
    this.#bufferSize = bufferSize;
    this.#blocking = capture.breakWakes;
    if (!this.#blocking) capture.setNonBlocking(true);
  }

  get onlyLooks(): boolean {
    return !this.#blocking;
  }

  /**
   * One piece of the run into the region, and the next dispatch at once when that was the last, so
   * that libpcap fills the stream on its own thread while the batch is worked on. A run that is
   * longer than the region goes out in pieces cut between records.
   */
  handOut(): Batch | null {
    if (this.#runTaken >= this.#runLength) return null;
    const { format } = this.#capture;
    const { start, size } = this.#region;
    const length = Math.min(this.#runLength - this.#runTaken, size);
    this.#capture.copyRun(this.#runTaken, this.#arena.bytes.subarray(start, start + length));
    const isLast = this.#runTaken + length === this.#runLength;
    // libpcap wrote whole records, none beyond the snaplen: only a cut needs to be looked for.
    const end = isLast
      ? start + length
      : endOfWholeRecords(this.#arena.view, start, start + length, format.bigEndian);
    this.#runTaken += end - start;
    if (isLast) {
      // A burst of large packets must not keep its memory for the rest of the capture.
      this.#capture.resetRun(this.#runLength > 4 * runTarget);
      this.#runLength = this.#runTaken = 0;
      if (!this.#draining && !this.#failed) void this.#dispatch();
    }
    return { format, start, end };
  }

  async fetch(): Promise<boolean> {
    let packets = 0;
    try {
      packets = await this.#dispatch();
      if (packets === pcapError.break) packets = 0;
    } catch (error) {
      this.#failed = true;
      throw error;
    } finally {
      this.#pending = null;
      this.#runLength = this.#capture.runLength();
      this.#runTaken = 0;
      this.#pace = this.#nextPace(packets);
      this.isDrained = this.#draining;
      if (!this.isDrained) this.packets += packets;
      this.#count = nextCount(this.#count, packets, this.#runLength);
    }
    return this.#runLength > 0;
  }

  drain(): void {
    this.#draining = true;
    this.#capture.breakLoop();
  }

  async end(): Promise<void> {
    // Not before the break: a dispatch that waits would be waited for.
    this.#capture.breakLoop();
    await this.#pending?.catch(() => undefined);
  }

  #dispatch(): Promise<number> {
    if (this.#pending === null) {
      this.#pending = this.#take();
      // It may fail while nobody awaits it: `fetch` tells.
      this.#pending.catch(() => undefined);
    }
    return this.#pending;
  }

  async #take(): Promise<number> {
    if (this.#pace !== 'wait' && !this.#draining) {
      // The event loop turns in any case: timers and signals are answered under any load.
      await (this.#pace === 'at once' ? turn() : delay(this.#pace));
      this.#setBlocking(false);
      const packets = this.#capture.dispatchNow(this.#count);
      if (packets !== 0) return packets;
    }
    // After a stop everything that is there is taken and nothing waited for.
    this.#setBlocking(!this.#draining && this.#capture.breakWakes);
    return this.#capture.dispatch(this.#count);
  }

  #setBlocking(blocking: boolean): void {
    if (this.#blocking === blocking) return;
    this.#capture.setNonBlocking(!blocking);
    this.#blocking = blocking;
  }

  #nextPace(packets: number): Pace {
    const now = performance.now();
    const since = now - this.#lastRunAt;
    this.#lastRunAt = now;
    if (packets >= this.#count) return 'at once';
    if (packets < busyPackets) return 'wait';
    const untilFull = (this.#bufferSize * breatherShare * since) / this.#runLength;
    return untilFull < breather ? 'wait' : breather;
  }
}
