/** An activated libpcap capture: packets into a memory stream, a run per call. */
import { promisify } from 'node:util';
import { LbcapError } from '../errors.js';
import type { Arena, Region } from '../packet/arena.js';
import { recordLayout, type BatchFormat } from '../packet/batch.js';
import { activate, type ActivateOptions } from './activate.js';
import {
  errorBufferSize,
  fileHeaderLayout,
  nanosecondMagic,
  pcapError,
  statsLayout,
} from './layouts.js';
import { withFileFilter } from './filter.js';
import type { Library } from './library.js';
import { MemoryStream } from './memory-stream.js';
import { PacketRing } from './packet-ring.js';
import type { Pointer } from './symbols.js';

/** pcap_stats(3PCAP). */
export interface CaptureStats {
  readonly received: number;
  readonly dropped: number;
  readonly interfaceDropped: number;
}

/**
 * One capture handle. Calls do not overlap: between `dispatch` and its settling only `breakLoop`
 * and `stats` may be called, which libpcap lets other threads do.
 */
export class Capture {
  readonly format: BatchFormat;
  /** `breakLoop` ends a `dispatch` that waits. Where not, only a non-blocking capture can be ended. */
  readonly breakWakes: boolean;
  /**
   * `stats().received` when the filter was in place: packets that may never come out. `null` where
   * the counters do not count exactly what comes out and what is dropped.
   */
  readonly receivedAtOpen: number | null;
  readonly #library: Library;
  readonly #handle: Pointer;
  readonly #dispatch: (count: number) => Promise<number>;
  readonly #breakOnExit: () => void;
  readonly #plainSocket: number | null;
  readonly #filter: string | null;
  #ring: PacketRing | null = null;
  #stream: MemoryStream;
  #dumper: Pointer;
  #closed = false;

  constructor(library: Library, options: ActivateOptions) {
    this.#library = library;
    this.breakWakes = library.breakWakes;
    const { handle, countsExactly, plainSocket } = activate(library, options);
    this.#handle = handle;
    this.#plainSocket = plainSocket;
    this.#filter = options.filter;
    this.receivedAtOpen = countsExactly ? (this.stats()?.received ?? null) : null;
    try {
      this.#stream = new MemoryStream(library);
      this.#dumper = this.#openDumper();
      this.format = this.#readFormat();
    } catch (error) {
      library.pcap.pcap_close(this.#handle);
      throw error;
    }
    const { pcap, dump } = library;
    this.#dispatch = promisify((count: number, done: (error: unknown, result: number) => void) => {
      pcap.pcap_dispatch.async(this.#handle, count, dump, this.#dumper, done);
    });
    // At exit Node waits for its worker threads, and one of them may be waiting for a packet that
    // never comes: process.exit() would hang (measured; native-notes/koffi.md).
    this.#breakOnExit = () => this.breakLoop();
    process.on('exit', this.#breakOnExit);
  }

  /**
   * Lets libpcap write up to `count` packets into the run, on a worker thread. Waits for the first
   * where the handle blocks. Resolves to how many; -2 (`pcapError.break`) after `breakLoop`, when
   * packets may have come nevertheless. Rejects with `CAPTURE_FAILED`; what came before is in the run.
   */
  async dispatch(count: number): Promise<number> {
    return this.#checked(await this.#dispatch(count));
  }

  /** The same on this thread, for a handle that does not block. Throws what `dispatch` rejects with. */
  dispatchNow(count: number): number {
    const { pcap, dump } = this.#library;
    return this.#checked(pcap.pcap_dispatch(this.#handle, count, dump, this.#dumper));
  }

  #checked(result: number): number {
    if (result >= 0 || result === pcapError.break) return result;
    throw new LbcapError(
      'CAPTURE_FAILED',
      `the capture ended (${this.#library.pcap.pcap_geterr(this.#handle)})`,
      'is the interface still there and up?',
    );
  }

  /** Length of the run in bytes: whole records. */
  runLength(): number {
    return this.#stream.flush();
  }

  /** Copies a part of the run. */
  copyRun(from: number, target: Uint8Array): void {
    this.#stream.copy(from, target);
  }

  /** Forgets the run. With `shrink` its memory goes back to the system too. */
  resetRun(shrink: boolean): void {
    if (!shrink) {
      this.#stream.rewind();
      return;
    }
    this.#library.pcap.pcap_dump_close(this.#dumper);
    this.#stream.free();
    this.#stream = new MemoryStream(this.#library);
    this.#dumper = this.#openDumper();
    this.#stream.flush();
    this.#stream.rewind();
  }

  /**
   * Maps the kernel's ring into the arena, where that can be done. From then on packets are taken out
   * of it and `dispatch` must not be called.
   */
  mapRing(arena: Arena, region: Region): PacketRing | null {
    const isEthernet = this.format.linkType === 1;
    const canFilter = this.#filter === null || this.#library.pcap.pcap_offline_filter !== undefined;
    if (this.#plainSocket === null || !isEthernet || !canFilter) return null;
    this.#ring = PacketRing.map(this.#library, this.#plainSocket, arena, region);
    return this.#ring;
  }

  /**
   * Which of these records pass the capture's filter: for those from before it was in place. They
   * are moved to the front of `starts`. Gives how many.
   */
  keepMatching({ bytes, view }: Arena, starts: Int32Array, count: number): number {
    const text = this.#filter;
    if (text === null || count === 0) return count;
    const { pcap } = this.#library;
    // struct pcap_pkthdr: a timeval, which no filter reads, and the two lengths.
    const header = new Uint8Array(new ArrayBuffer(24));
    const lengths = new DataView(header.buffer, 16);
    return withFileFilter(this.#library, text, this.format.linkType, (program) => {
      let kept = 0;
      for (let index = 0; index < count; index++) {
        const start = starts[index];
        const captured = view.getUint32(start + recordLayout.capturedLength, true);
        lengths.setUint32(0, captured, true);
        lengths.setUint32(4, view.getUint32(start + recordLayout.originalLength, true), true);
        const packet = start + recordLayout.size;
        const bytesOfPacket = bytes.subarray(packet, packet + captured);
        if (pcap.pcap_offline_filter?.(program, header, bytesOfPacket) !== 0)
          starts[kept++] = start;
      }
      return kept;
    });
  }

  /** Ends a `dispatch`, now or the next one, or the ring's waiting. Safe at any time. */
  breakLoop(): void {
    if (this.#closed) return;
    if (this.#ring === null) this.#library.pcap.pcap_breakloop(this.#handle);
    else this.#ring.wake();
  }

  /** Whether `dispatch` takes what there is and never waits. Not while one is under way. */
  setNonBlocking(on: boolean): void {
    const errors = new Uint8Array(new ArrayBuffer(errorBufferSize));
    if (this.#library.pcap.pcap_setnonblock(this.#handle, on ? 1 : 0, errors) < 0) {
      throw new LbcapError('CAPTURE_FAILED', 'libpcap cannot stop waiting for packets');
    }
  }

  /** `null` where the system does not say. */
  stats(): CaptureStats | null {
    const bytes = new Uint8Array(new ArrayBuffer(statsLayout.size));
    if (this.#library.pcap.pcap_stats(this.#handle, bytes) !== 0) return null;
    const words = new Uint32Array(bytes.buffer);
    return {
      received: words[statsLayout.received / 4],
      dropped: words[statsLayout.dropped / 4],
      interfaceDropped: words[statsLayout.interfaceDropped / 4],
    };
  }

  /** Gives everything back. No `dispatch` may be under way. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.off('exit', this.#breakOnExit);
    // Before libpcap: the kernel keeps a ring that is still mapped.
    this.#ring?.unmap();
    // pcap_dump_close closes the FILE, and closing writes the stream's words a last time: only then
    // may block and words be freed.
    this.#library.pcap.pcap_dump_close(this.#dumper);
    this.#stream.free();
    this.#library.pcap.pcap_close(this.#handle);
  }

  #openDumper(): Pointer {
    const dumper = this.#library.pcap.pcap_dump_fopen(this.#handle, this.#stream.file);
    if (dumper !== null) return dumper;
    throw new LbcapError(
      'LINK_TYPE_UNSUPPORTED',
      `packets of this interface do not fit a capture file (${this.#library.pcap.pcap_geterr(this.#handle)})`,
    );
  }

  /** The file header that libpcap wrote first says link type and unit in a file's own numbers. */
  #readFormat(): BatchFormat {
    const header = new Uint8Array(new ArrayBuffer(fileHeaderLayout.size));
    if (this.#stream.flush() < header.length) {
      throw new LbcapError('INVARIANT', 'libpcap wrote no file header');
    }
    this.#stream.copy(0, header);
    this.#stream.rewind();
    const words = new Uint32Array(header.buffer);
    return {
      // The upper bits say how long a frame check sequence is; there is none on a loopback.
      linkType: words[fileHeaderLayout.linkType / 4] & 0xffff,
      bigEndian: new Uint8Array(new Uint16Array([1]).buffer)[0] === 0,
      nanoseconds: words[fileHeaderLayout.magic / 4] === nanosecondMagic,
    };
  }
}
