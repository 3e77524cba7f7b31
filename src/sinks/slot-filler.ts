/** Gives files slots to gather records in, taking them from others where none is free. */
import type { Arena } from '../packet/arena.js';
import type { LongRuns } from './long-runs.js';
import type { OutputFile } from './open-files.js';
import type { SlotWriter } from './slot-writer.js';
import type { Slots } from './slots.js';

export interface SlotFillerOptions {
  readonly arena: Arena;
  readonly slots: Slots;
  readonly writer: SlotWriter;
  readonly longRuns: LongRuns;
  /** By id; they may become others, and more. */
  readonly files: readonly OutputFile[];
}

export class SlotFiller {
  readonly #bytes: Uint8Array;
  readonly #slots: Slots;
  readonly #writer: SlotWriter;
  readonly #longRuns: LongRuns;
  readonly #files: readonly OutputFile[];

  constructor({ arena, slots, writer, longRuns, files }: SlotFillerOptions) {
    this.#bytes = arena.bytes;
    this.#slots = slots;
    this.#writer = writer;
    this.#longRuns = longRuns;
    this.#files = files;
  }

  /**
   * Appends the arena's bytes from `start` to `end`, which are whole records.
   * @param room what the file may still take
   */
  put(file: OutputFile, start: number, end: number, packets: number, room: number): void {
    const size = end - start;
    file.packets += packets;
    // Its slot has room then, if it has one.
    if (file.next + size > file.limit) this.#longRuns.write(file);
    if (file.next + size > file.limit) {
      this.#writer.send(file);
      this.#slots.serve(file.id);
      if (size > this.#slots.size) {
        this.#writer.writeNow(file, this.#bytes, start, end);
        return;
      }
      file.slot = this.#take(file.id);
      file.unwritten = file.next = this.#slots.start(file.slot);
      file.limit = file.next + Math.min(this.#slots.size, Math.max(room, size));
    }
    this.#bytes.copyWithin(file.next, start, end);
    file.next += size;
    file.used = true;
  }

  #take(id: number): number {
    let slot = this.#slots.take(id);
    if (slot < 0) {
      this.#writer.evict(this.#files[this.#slots.victim((owner) => this.#secondChance(owner))]);
      slot = this.#slots.take(id);
    }
    return slot;
  }

  #secondChance(id: number): boolean {
    const file = this.#files[id];
    const { used } = file;
    file.used = false;
    return used;
  }
}
