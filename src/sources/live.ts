/** A live capture through libpcap as a source of batches. */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { LbcapError, messageOf } from '../errors.js';
import type { Capture } from '../native/capture.js';
import { pcapError } from '../native/layouts.js';
import { openCapture } from '../native/libpcap.js';
import type { Arena, Region } from '../packet/arena.js';
import {
  endOfWholeRecords,
  maximumCapturedLength,
  maximumRecordSize,
  type Batch,
} from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import { minimumCount, nextCount, runTarget } from './dispatch-count.js';
import { Drain } from './drain.js';
import type { Source } from './source.js';

export interface LiveOptions {
  readonly interface: string;
  /** Bytes kept of each packet, 1 to 262144. */
  readonly snaplen: number;
  /** Kernel buffer in bytes (kernel memory, not this process's). */
  readonly bufferSize: number;
  /** pcap-filter(7) text; `null` takes everything. */
  readonly filter: string | null;
  /** Timestamps in nanoseconds, else microseconds. */
  readonly nanoseconds: boolean;
  readonly arena: Arena;
  /** Where batches are put. One is enough: a batch is only valid until the next. */
  readonly regions: readonly Region[];
  /** Told what a person should know and what is no error. */
  readonly onNotice: (text: string) => void;
}

/**
 * Kernel buffer when nobody asks for another. Where the consumer paused for 0.3 s twice a second at
 * the loopback's full rate, 64 MiB lost nothing and 32 MiB did (native-notes/libpcap.md).
 */
export const defaultBufferSize = 64 * 1024 * 1024;

/**
 * Milliseconds that the kernel may hold a packet back: the age of what a table shows, and the time
 * that a stop needs to have every packet before it. A wake-up per 50 ms costs nothing.
 */
const holdBack = 50;

/** Slack on top for the kernel's timer, whose tick is 10 ms on the coarsest kernel. */
const holdBackSlack = 20;

/**
 * A busy capture is left alone for so many milliseconds and then emptied by this thread, with no
 * worker in between: two wake-ups less for every block of the kernel's, and the packets are worked
 * on by the processor that has just copied them (native-notes/libpcap.md has the figures).
 */
const breather = 10;
/** Busy: so many packets came in one call. */
const busyPackets = 256;
/** What may fill meanwhile, as a part of the kernel's buffer: a burst must find the rest empty. */
const breatherShare = 1 / 16;

/**
 * How the next packets are fetched: by a worker thread that waits for them; by this one at once,
 * since there are more; or by this one after so many milliseconds.
 */
type Pace = 'wait' | 'at once' | number;

/**
 * A packet that was sent before a stop may still be on its way through `lo`: the kernel delivers it in
 * a softirq, which a busy machine puts off (Documentation/networking/scaling.rst). Milliseconds.
 */
const onTheWay = 25;

/** Pause between looks where libpcap cannot wait, milliseconds. */
const pollPause = 10;

/**
 * Starts capturing. Packets wait in the kernel's buffer until `next` is first called, so that what
 * must be done between (privileges, files) costs none. Rejects as `activate` says, and with
 * `LIBPCAP_MISSING` or `ENGINE_MISSING`.
 */
export async function openLive(options: LiveOptions): Promise<Source> {
  const { snaplen } = options;
  if (!Number.isInteger(snaplen) || snaplen < 1 || snaplen > maximumCapturedLength) {
    throw new LbcapError('USAGE', `a snaplen of ${snaplen}`, `1 to ${maximumCapturedLength}`);
  }
  const region = options.regions[0];
  if (region === undefined || region.size < maximumRecordSize) {
    throw new LbcapError('INVARIANT', 'the input region cannot hold the longest record');
  }
  const capture = await openCapture({ ...options, timeout: holdBack });
  try {
    return new LiveSource(capture, region, options);
  } catch (error) {
    capture.close();
    throw error;
  }
}

/** How a dispatch ended: `failure` is set instead of thrown, so that its packets go out first. */
interface Outcome {
  readonly packets: number;
  readonly failure: Error | null;
}

class LiveSource implements Source {
  readonly name: string;
  readonly format;
  readonly snaplen: number;
  readonly size = null;
  readonly #capture: Capture;
  readonly #arena: Arena;
  readonly #region: Region;
  readonly #bufferSize: number;
  #counters: SourceCounters = nothingKnown;
  #count = minimumCount;
  #pending: Promise<Outcome> | null = null;
  /** Why no dispatch may follow: thrown when the run before it has been handed out. */
  #failure: Error | null = null;
  /** The run that is being handed out: its length, and how much of it is out. */
  #runLength = 0;
  #runTaken = 0;
  #blocking: boolean;
  /** Packets read before the stop. */
  #packets = 0;
  #stopAsked = false;
  #drain: Drain | null = null;
  /** The run was read after the stop. */
  #runIsDrained = false;
  #closing: Promise<void> | null = null;
  #position = 0;
  /** When the last run came, and how to fetch the next. */
  #lastRunAt = 0;
  #pace: Pace = 'wait';

  constructor(capture: Capture, region: Region, options: LiveOptions) {
    this.#capture = capture;
    this.#arena = options.arena;
    this.#region = region;
    this.#bufferSize = options.bufferSize;
    this.name = options.interface;
    this.format = capture.format;
    this.snaplen = options.snaplen;
    this.#blocking = capture.breakWakes;
    if (!this.#blocking) capture.setNonBlocking(true);
  }

  get position(): number {
    return this.#position;
  }

  async next(): Promise<Batch | null> {
    for (;;) {
      if (this.#closing !== null) return null;
      if (this.#runTaken < this.#runLength) return this.#handOut();
      if (this.#failure !== null) throw this.#failure;
      if (this.#drain?.done === true) return null;
      this.#pending ??= this.#dispatch();
      const { packets, failure } = await this.#pending;
      this.#pending = null;
      if (this.#closing !== null) return null;
      this.#failure = failure;
      this.#runLength = this.#capture.runLength();
      this.#runTaken = 0;
      this.#pace = this.#nextPace(packets);
      this.#runIsDrained = this.#drain !== null;
      if (!this.#runIsDrained) this.#packets += packets;
      this.#count = nextCount(this.#count, packets, this.#runLength);
      if (this.#runLength === 0 && failure === null) await this.#nothingCame();
    }
  }

  /** Takes effect after a moment, see `onTheWay`. */
  stop(): void {
    if (this.#stopAsked) return;
    this.#stopAsked = true;
    setTimeout(() => {
      this.#beginDrain();
    }, onTheWay);
  }

  #beginDrain(): void {
    if (this.#drain !== null || this.#closing !== null) return;
    const uncertain = this.#capture.receivedAtOpen;
    const stats = uncertain === null ? null : this.#capture.stats();
    this.#drain = new Drain(
      {
        holdBack: holdBack + holdBackSlack,
        bufferSize: this.#bufferSize,
        // Counters of 32 bits may have wrapped; their difference is right all the same.
        missing: stats === null ? null : (stats.received - stats.dropped - this.#packets) | 0,
        uncertain: uncertain ?? 0,
      },
      Date.now(),
      performance.now(),
    );
    this.#capture.breakLoop();
  }

  counters(): SourceCounters {
    if (this.#closing === null) this.#readCounters();
    return this.#counters;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * One piece of the run into the region, and the next dispatch at once when that was the last, so
   * that libpcap fills the stream on its own thread while the batch is worked on. A run that is
   * longer than the region goes out in pieces cut between records.
   */
  #handOut(): Batch {
    const { start, size } = this.#region;
    const length = Math.min(this.#runLength - this.#runTaken, size);
    this.#capture.copyRun(this.#runTaken, this.#arena.bytes.subarray(start, start + length));
    const isLast = this.#runTaken + length === this.#runLength;
    // libpcap wrote whole records, none beyond the snaplen: only a cut needs to be looked for.
    const end = isLast
      ? start + length
      : endOfWholeRecords(this.#arena.view, start, start + length, this.format.bigEndian);
    this.#runTaken += end - start;
    this.#position += end - start;
    const batch = { format: this.format, start, end };
    if (this.#runIsDrained) this.#drain?.saw(this.#arena.view, batch);
    if (isLast) {
      // A burst of large packets must not keep its memory for the rest of the capture.
      this.#capture.resetRun(this.#runLength > 4 * runTarget);
      this.#runLength = this.#runTaken = 0;
      if (this.#failure === null && this.#drain === null) this.#pending = this.#dispatch();
    }
    return batch;
  }

  /** Never rejects: it may be under way while nobody awaits it. */
  async #dispatch(): Promise<Outcome> {
    try {
      const packets = await this.#fetch();
      return { packets: packets === pcapError.break ? 0 : packets, failure: null };
    } catch (error) {
      return { packets: 0, failure: error instanceof Error ? error : new Error(messageOf(error)) };
    }
  }

  async #fetch(): Promise<number> {
    if (this.#pace !== 'wait' && this.#drain === null) {
      // The event loop turns in any case: timers and signals are answered under any load.
      await (this.#pace === 'at once' ? turn() : delay(this.#pace));
      this.#setBlocking(false);
      const packets = this.#capture.dispatchNow(this.#count);
      if (packets !== 0) return packets;
    }
    // After a stop everything that is there is taken and nothing waited for.
    this.#setBlocking(this.#drain === null && this.#capture.breakWakes);
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

  async #nothingCame(): Promise<void> {
    this.#drain?.foundNothing(performance.now());
    if (!this.#blocking && this.#drain?.done !== true) await delay(pollPause);
  }

  #readCounters(): void {
    const stats = this.#capture.stats();
    if (stats === null) return;
    this.#counters = {
      received: stats.received,
      kernelDropped: stats.dropped,
      interfaceDropped: stats.interfaceDropped,
    };
  }

  async #close(): Promise<void> {
    // Not before the break: a dispatch that waits would be waited for.
    this.#capture.breakLoop();
    await this.#pending;
    this.#readCounters();
    this.#capture.close();
  }
}
