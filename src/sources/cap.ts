/** A live capture through the npm package `cap`: a second opinion, with what it lacks said aloud. */
import { LbcapError, messageOf } from '../errors.js';
import { permissionMissing, unknownInterface } from '../native/refusals.js';
import type { Arena, Region } from '../packet/arena.js';
import { recordLayout, type Batch, type BatchFormat } from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import type { LiveOptions } from './live.js';
import { RegionQueue } from './region-queue.js';
import type { Source } from './source.js';

/** What lbcap uses of `cap` 0.2.1, which comes without types. */
export interface CapModule {
  readonly Cap: new () => CapHandle;
  deviceList(): readonly { readonly name: string }[];
}

export interface CapHandle {
  /** Gives the link type's name. Writes every packet to the front of `buffer`. */
  open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
  on(event: 'packet', listener: (length: number, truncated: boolean) => void): void;
  close(): void;
}

/** cap always captures this much of a packet (its binding.cc). */
const capSnaplen = 65_535;

/** LINKTYPE_ values by cap's names for them. */
const linkTypes: Readonly<Record<string, number>> = {
  NULL: 0,
  ETHERNET: 1,
  RAW: 101,
  LINKTYPE_LINUX_SLL: 113,
  IEEE802_11_RADIO: 127,
};

export const capLimits =
  'engine cap: timestamps are taken on arrival in this process, lengths beyond 65535 bytes and what the kernel dropped are not known, and packets beyond the snaplen are copied before they are cut';

/**
 * Starts capturing with `cap`. Rejects with `ENGINE_MISSING` where it is not installed or was not
 * built, `ENGINE_LIMIT` for nanoseconds, and like the libpcap engine otherwise.
 */
export async function openCap(
  options: LiveOptions,
  load: () => Promise<CapModule> = loadCap,
): Promise<Source> {
  if (options.nanoseconds) {
    throw new LbcapError('ENGINE_LIMIT', 'engine cap has no nanoseconds', 'use --engine libpcap');
  }
  const source = new CapSource(await load(), options);
  options.onNotice(capLimits);
  return source;
}

async function loadCap(): Promise<CapModule> {
  // Not a literal: the package is optional, and TypeScript would ask for it.
  const name: string = 'cap';
  try {
    return ((await import(name)) as { default: CapModule }).default;
  } catch (cause) {
    throw new LbcapError(
      'ENGINE_MISSING',
      `the npm package cap is not installed or was not built (${messageOf(cause).slice(0, 120)})`,
      "npm install cap (it needs a C++ compiler, libpcap's headers and leave to run its install script), or leave --engine out",
      { cause },
    );
  }
}

class CapSource implements Source {
  readonly name: string;
  readonly format: BatchFormat;
  readonly snaplen: number;
  readonly size = null;
  readonly #handle: CapHandle;
  /** cap keeps the address of this buffer but no reference: it must live as long as the capture. */
  readonly #packet = Buffer.alloc(capSnaplen);
  readonly #arena: Arena;
  readonly #queue: RegionQueue;
  readonly #onNotice: (text: string) => void;
  #wake: (() => void) | null = null;
  #wakeIsDue = false;
  #lost = 0;
  #stopping = false;
  #closed = false;
  #position = 0;

  constructor(module: CapModule, options: LiveOptions) {
    this.name = options.interface;
    this.snaplen = Math.min(options.snaplen, capSnaplen);
    this.#arena = options.arena;
    this.#onNotice = options.onNotice;
    this.#queue = new RegionQueue(atLeastTwo(options.regions));
    this.#handle = new module.Cap();
    this.#handle.on('packet', (length) => this.#arrived(length));
    const linkType = open(module, this.#handle, options, this.#packet);
    this.format = { linkType, bigEndian: false, nanoseconds: false };
  }

  get position(): number {
    return this.#position;
  }

  async next(): Promise<Batch | null> {
    for (;;) {
      const taken = this.#queue.take();
      if (taken !== null) {
        this.#position += taken.end - taken.start;
        return { format: this.format, ...taken };
      }
      if (this.#closed) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    // Two turns of the event loop: cap empties its capture whenever the loop polls.
    setImmediate(() => setImmediate(() => this.#shut()));
  }

  /** All unknown: cap does not tell. What lbcap itself had no room for is told as a notice. */
  counters(): SourceCounters {
    return nothingKnown;
  }

  close(): Promise<void> {
    this.#shut();
    return Promise.resolve();
  }

  #shut(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
    if (this.#lost > 0) {
      this.#onNotice(
        `engine cap: ${this.#lost} packets were lost here, it left no time to take them`,
      );
    }
    this.#wakeUp();
  }

  /** Writes one record. Runs inside cap's own loop, which may not return for a long time. */
  #arrived(length: number): void {
    const captured = Math.min(length, this.snaplen);
    const at = this.#queue.reserve(recordLayout.size + captured);
    if (at === null) {
      this.#lost++;
      return;
    }
    const { view, bytes } = this.#arena;
    const now = performance.timeOrigin + performance.now();
    const seconds = Math.floor(now / 1e3);
    view.setUint32(at + recordLayout.seconds, seconds, true);
    view.setUint32(at + recordLayout.fraction, Math.floor((now - seconds * 1e3) * 1e3), true);
    view.setUint32(at + recordLayout.capturedLength, captured, true);
    view.setUint32(at + recordLayout.originalLength, length, true);
    bytes.set(this.#packet.subarray(0, captured), at + recordLayout.size);
    if (this.#wake === null) return;
    // A batch per turn of the event loop, not per packet; but where cap keeps the loop to itself
    // only microtasks run, and those can at least take a batch that has grown large.
    if (this.#queue.filling > largeBatch) this.#wakeUp();
    else if (!this.#wakeIsDue) {
      this.#wakeIsDue = true;
      setImmediate(() => {
        this.#wakeIsDue = false;
        this.#wakeUp();
      });
    }
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

/** Bytes after which a batch is handed over although the event loop has not turned. */
const largeBatch = 256 * 1024;

/** One region is cut in two: cap cannot be paused while the consumer holds it. */
function atLeastTwo(regions: readonly Region[]): readonly Region[] {
  const usable =
    regions.length > 1
      ? regions
      : regions.flatMap(({ start, size }) => {
          const half = Math.floor(size / 2);
          return [
            { start, size: half },
            { start: start + half, size: half },
          ];
        });
  if (usable.length < 2 || usable.some(({ size }) => size < recordLayout.size + capSnaplen)) {
    throw new LbcapError('INVARIANT', 'the input regions are too small for engine cap');
  }
  return usable;
}

/** Opens cap's capture and gives its LINKTYPE_ value. cap throws texts only: libpcap's. */
function open(module: CapModule, cap: CapHandle, options: LiveOptions, buffer: Buffer): number {
  // Asked before cap is, which would also print a warning of its own.
  const names = module.deviceList().map((device) => device.name);
  if (!names.includes(options.interface)) throw unknownInterface(options.interface, names);
  let name: string;
  try {
    name = cap.open(options.interface, options.filter ?? '', options.bufferSize, buffer);
  } catch (error) {
    const words = messageOf(error);
    if (/permi(t|ssion)/i.test(words)) throw permissionMissing(options.interface, words);
    throw new LbcapError('CAPTURE_FAILED', `engine cap cannot capture (${words})`);
  }
  const linkType = linkTypes[name];
  if (linkType !== undefined) return linkType;
  cap.close();
  throw new LbcapError(
    'LINK_TYPE_UNSUPPORTED',
    `engine cap does not know this interface's link type (${name})`,
    'use --engine libpcap',
  );
}
