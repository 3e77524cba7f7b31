/** Runs of long packets: written from where they lie, since copying them into slots takes longer. */
import type { Arena } from '../packet/arena.js';
import type { OpenFiles, OutputFile } from './open-files.js';
import { writeTogether } from './output-file.js';
import type { Slots } from './slots.js';
import type { SlowDisk } from './slow-disk.js';

export interface LongRunsOptions {
  readonly arena: Arena;
  readonly slots: Slots;
  readonly open: OpenFiles;
  readonly disk: SlowDisk;
}

/** A file's runs wait until their batch is over, or its slot is needed. Until then no slot of it is on its way. */
export class LongRuns {
  readonly #bytes: Uint8Array;
  readonly #slots: Slots;
  readonly #open: OpenFiles;
  readonly #disk: SlowDisk;
  /** Files that have any. */
  readonly #waiting = new Set<OutputFile>();

  constructor({ arena, slots, open, disk }: LongRunsOptions) {
    this.#bytes = arena.bytes;
    this.#slots = slots;
    this.#open = open;
    this.#disk = disk;
  }

  /**
   * @param place in the file's slot: what stands there before it comes first
   * @param start of bytes that lie still until `writeAll`
   */
  put(file: OutputFile, place: number, start: number, end: number, packets: number): void {
    file.packets += packets;
    file.ranges.push(place, start, end);
    this.#waiting.add(file);
  }

  /** When a batch is over. */
  writeAll(): void {
    for (const file of this.#waiting) this.write(file);
  }

  /** What is in the file's slot, and its runs. */
  write(file: OutputFile): void {
    const { ranges } = file;
    if (ranges.length === 0) return;
    const parts = this.#partsOf(file);
    ranges.length = 0;
    this.#waiting.delete(file);
    if (file.slot >= 0) file.next = file.unwritten = this.#slots.start(file.slot);
    if (!this.#open.ready(file)) return;
    const { position } = file;
    const before = performance.now();
    try {
      const size = writeTogether(file.fd, parts, position);
      file.position += size;
      file.length += size;
    } catch (error) {
      this.#open.fail(file, position, error);
    }
    this.#disk.wrote(before);
  }

  #partsOf({ ranges, unwritten, next }: OutputFile): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let written = unwritten;
    for (let i = 0; i < ranges.length; i += 3) {
      const [place, start, end] = [ranges[i], ranges[i + 1], ranges[i + 2]];
      if (place > written) parts.push(this.#bytes.subarray(written, place));
      parts.push(this.#bytes.subarray(start, end));
      written = place;
    }
    if (next > written) parts.push(this.#bytes.subarray(written, next));
    return parts;
  }
}
