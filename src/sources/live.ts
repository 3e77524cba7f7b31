/** A live capture through libpcap as a source of batches. */
import { setTimeout as delay } from 'node:timers/promises';
import { LbcapError, messageOf } from '../errors.js';
import type { Capture } from '../native/capture.js';
import { openCapture } from '../native/libpcap.js';
import { ringRegionSize } from '../native/packet-ring.js';
import type { Arena, Region } from '../packet/arena.js';
import { maximumCapturedLength, maximumRecordSize, type Batch } from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import { Drain } from './drain.js';
import type { LiveReader } from './live-reader.js';
import { RingReader } from './ring-reader.js';
import { RunReader } from './run-reader.js';
import type { Source } from './source.js';

export interface LiveOptions {
  readonly interface: string;
  /** Bytes kept of each packet, 1 to 262144. */
  readonly snaplen: number;
  /** Kernel buffer in bytes (kernel memory, not this process's). */
  readonly bufferSize: number;
  /** pcap-filter(7) text; `null` takes everything. */
  readonly filter: string | null;
  /**
   * Milliseconds for which packets may be left in a buffer that has room: nobody looks at what has come
   * more often, unless by `hurry`. By default they are taken as soon as that costs little.
   */
  readonly patience?: number | undefined;
  /** Timestamps in nanoseconds, else microseconds. */
  readonly nanoseconds: boolean;
  readonly arena: Arena;
  /** As `liveRegionSizes` says; with the first alone it works too, but slower. */
  readonly regions: readonly Region[];
  /** Told what a person should know and what is no error. */
  readonly onNotice: (text: string) => void;
}

/**
 * Kernel buffer when nobody asks for another. Where the consumer paused for 0.3 s twice a second at
 * the loopback's full rate, 64 MiB lost nothing and 32 MiB did (native-notes/libpcap.md).
 */
export const defaultBufferSize = 64 * 1024 * 1024;

/** Sizes of the regions that `openLive` uses: one for batches, one where the kernel's ring is seen. */
export function liveRegionSizes(bufferSize: number): readonly number[] {
  return [maximumRecordSize + 1024 * 1024, ringRegionSize(bufferSize)];
}

/**
 * Milliseconds that the kernel may hold a packet back: the age of what a table shows, and the time
 * that a stop needs to have every packet before it. A wake-up per 50 ms costs nothing.
 */
const holdBack = 50;

/** Slack on top for the kernel's timer, whose tick is 10 ms on the coarsest kernel. */
const holdBackSlack = 20;

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
    return new LiveSource(capture, openReader(capture, region, options), options);
  } catch (error) {
    capture.close();
    throw error;
  }
}

function openReader(capture: Capture, region: Region, options: LiveOptions): LiveReader {
  const { arena, regions, snaplen, bufferSize } = options;
  // The ring where it can be had: a third less work for each packet (native-notes/libpcap.md).
  const ring = regions.length > 1 ? capture.mapRing(arena, regions[1]) : null;
  if (ring !== null) {
    return new RingReader(capture, ring, arena, region, snaplen, options.patience ?? 0);
  }
  return new RunReader(capture, arena, region, bufferSize);
}

class LiveSource implements Source {
  readonly name: string;
  readonly format;
  readonly snaplen: number;
  readonly size = null;
  readonly #capture: Capture;
  readonly #reader: LiveReader;
  readonly #arena: Arena;
  readonly #bufferSize: number;
  #counters: SourceCounters = nothingKnown;
  /** Thrown when what was taken before it has been handed out. */
  #failure: Error | null = null;
  /** Runs from the first `stop` on. */
  #stopTimer: NodeJS.Timeout | null = null;
  #drain: Drain | null = null;
  #closing: Promise<void> | null = null;
  #position = 0;

  constructor(capture: Capture, reader: LiveReader, options: LiveOptions) {
    this.#capture = capture;
    this.#reader = reader;
    this.#arena = options.arena;
    this.#bufferSize = options.bufferSize;
    this.name = options.interface;
    this.format = capture.format;
    this.snaplen = options.snaplen;
  }

  get position(): number {
    return this.#position;
  }

  async next(): Promise<Batch | null> {
    const reader = this.#reader;
    for (;;) {
      if (this.#closing !== null) return null;
      const batch = reader.handOut();
      if (batch !== null) {
        this.#position += batch.end - batch.start;
        if (reader.isDrained) this.#drain?.saw(this.#arena.view, batch);
        return batch;
      }
      if (this.#failure !== null) throw this.#failure;
      if (this.#drain?.done === true) return null;
      if (!(await this.#fetch())) await this.#nothingCame();
    }
  }

  hurry(): void {
    this.#reader.hurry?.();
  }

  /** Takes effect after a moment, see `onTheWay`. */
  stop(): void {
    if (this.#closing !== null) return;
    this.#stopTimer ??= setTimeout(() => {
      this.#beginDrain();
    }, onTheWay);
  }

  #beginDrain(): void {
    const uncertain = this.#capture.receivedAtOpen;
    const stats = uncertain === null ? null : this.#capture.stats();
    this.#drain = new Drain(
      {
        holdBack: holdBack + holdBackSlack,
        bufferSize: this.#bufferSize,
        // Counters of 32 bits may have wrapped; their difference is right all the same.
        missing:
          stats === null ? null : (stats.received - stats.dropped - this.#reader.packets) | 0,
        uncertain: uncertain ?? 0,
      },
      Date.now(),
      performance.now(),
    );
    this.#reader.drain();
  }

  counters(): SourceCounters {
    if (this.#closing === null) this.#readCounters();
    return this.#counters;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #fetch(): Promise<boolean> {
    try {
      return await this.#reader.fetch();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(messageOf(error));
      return true;
    }
  }

  async #nothingCame(): Promise<void> {
    if (this.#closing !== null) return;
    this.#drain?.foundNothing(performance.now());
    if (this.#reader.onlyLooks && this.#drain?.done !== true) await delay(pollPause);
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
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    await this.#reader.end();
    this.#readCounters();
    this.#capture.close();
  }
}
