/** A live capture through libpcap as a source of batches. */
import { setTimeout as delay } from 'node:timers/promises';
import { LbcapError } from '../errors.js';
import type { Capture } from '../native/capture.js';
import { pcapError } from '../native/layouts.js';
import { openCapture } from '../native/libpcap.js';
import type { Arena, Region } from '../packet/arena.js';
import {
  endOfWholeRecords,
  hasRecordAfter,
  maximumCapturedLength,
  maximumRecordSize,
  type Batch,
} from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import { minimumCount, nextCount, runTarget } from './dispatch-count.js';
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
 * Kernel buffer when nobody asks for another. The smallest that lost nothing at full rate while the
 * consumer paused for 0.3 s now and then was half of this (native-notes/libpcap.md).
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
 * A busy capture is left alone for so many milliseconds, so that one call takes what would have been
 * several: each costs a wake-up of a worker thread and one of the event loop. Measured with 64-byte
 * datagrams: 600 calls a second become 150.
 */
const breather = 5;
/** Busy: so many packets came within one call's wait. */
const busyPackets = 256;
/** What may fill meanwhile, as a part of the kernel's buffer: a burst must find the rest empty. */
const breatherShare = 1 / 16;

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
  readonly failure: unknown;
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
  #failure: unknown = null;
  /** The run that is being handed out: its length, and how much of it is out. */
  #runLength = 0;
  #runTaken = 0;
  #blocking: boolean;
  #stop: Drain | null = null;
  #closing: Promise<void> | null = null;
  #position = 0;
  /** When the run before the last came, and how long to leave the capture alone before the next. */
  #lastRunAt = 0;
  #pause = 0;

  constructor(capture: Capture, region: Region, options: LiveOptions) {
    this.#capture = capture;
    this.#arena = options.arena;
    this.#region = region;
    this.#bufferSize = options.bufferSize;
    this.name = options.interface;
    this.format = capture.format;
    this.snaplen = options.snaplen;
    this.#blocking = capture.breakWakes;
    if (!this.#blocking) capture.setNonBlocking();
  }

  get position(): number {
    return this.#position;
  }

  async next(): Promise<Batch | null> {
    for (;;) {
      if (this.#closing !== null) return null;
      if (this.#runTaken < this.#runLength) return this.#handOut();
      if (this.#failure !== null) throw this.#failure as unknown;
      if (this.#stop?.done === true) return null;
      this.#pending ??= this.#dispatch();
      const { packets, failure } = await this.#pending;
      this.#pending = null;
      if (this.#closing !== null) return null;
      this.#failure = failure;
      this.#runLength = this.#capture.runLength();
      this.#runTaken = 0;
      this.#pause = this.#breather(packets);
      this.#count = nextCount(this.#count, packets, this.#runLength);
      if (this.#runLength === 0 && failure === null) await this.#nothingCame();
    }
  }

  stop(): void {
    if (this.#stop !== null) return;
    this.#stop = new Drain(this.#bufferSize);
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
    this.#stop?.saw(this.#arena.view, batch);
    if (isLast) {
      // A burst of large packets must not keep its memory for the rest of the capture.
      this.#capture.resetRun(this.#runLength > 4 * runTarget);
      this.#runLength = this.#runTaken = 0;
      if (this.#failure === null && this.#stop === null) this.#pending = this.#dispatch();
    }
    return batch;
  }

  /** Never rejects: it may be under way while nobody awaits it. */
  async #dispatch(): Promise<Outcome> {
    try {
      // After a stop everything that is there is taken and nothing waited for.
      if (this.#stop !== null && this.#blocking) {
        this.#capture.setNonBlocking();
        this.#blocking = false;
      }
      if (this.#pause > 0 && this.#stop === null) await delay(this.#pause);
      const packets = await this.#capture.dispatch(this.#count);
      return { packets: packets === pcapError.break ? 0 : packets, failure: null };
    } catch (failure) {
      return { packets: 0, failure };
    }
  }

  /** Milliseconds that may pass before the next dispatch: 0 where there is more, or too much. */
  #breather(packets: number): number {
    const now = performance.now();
    const since = now - this.#lastRunAt;
    this.#lastRunAt = now;
    if (packets < busyPackets || packets >= this.#count) return 0;
    const untilFull = (this.#bufferSize * breatherShare * since) / this.#runLength;
    return untilFull < breather ? 0 : breather;
  }

  async #nothingCame(): Promise<void> {
    if (this.#stop !== null && this.#stop.isOver()) return;
    if (!this.#blocking) await delay(pollPause);
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

/**
 * Knows when everything captured before a stop has been handed over. The kernel hands blocks of
 * packets over when they are full or `holdBack` old, so the last ones before the stop may come a
 * little after it. The end is the first of: a packet younger than the stop; nothing for longer than
 * the kernel holds back; as many bytes as the kernel's buffer can have held (for clocks that jump).
 */
class Drain {
  done = false;
  readonly #wall = Date.now() + 1;
  readonly #monotonic = performance.now();
  #bytesLeft: number;

  constructor(bufferSize: number) {
    this.#bytesLeft = bufferSize;
  }

  saw(view: DataView, batch: Batch): void {
    this.#bytesLeft -= batch.end - batch.start;
    if (this.#bytesLeft < 0 || hasRecordAfter(view, batch, this.#wall)) this.done = true;
  }

  /** Asked when a dispatch that does not wait found nothing. */
  isOver(): boolean {
    if (performance.now() - this.#monotonic > holdBack + holdBackSlack) this.done = true;
    return this.done;
  }
}
