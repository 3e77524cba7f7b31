/** Reads a damaged pcap file: which of its records can be believed, and where they go on. */
import { capturedLength } from '../formats/pcap-dialects.js';
import {
  findRecord,
  isSound,
  type FoundRecord,
  type RecordReading,
} from '../formats/pcap-repair.js';
import type { DamageCount } from './damage.js';
import { longestUnit, type Window } from './window.js';

/** Walks ahead of the reader. A lying length shows only where the next record should be. */
export class RecordRepair {
  readonly #window: Window;
  readonly #view: DataView;
  readonly #reading: RecordReading;
  readonly #more: () => Promise<boolean>;
  readonly #leftOut: DamageCount;
  /** Of the last packet that was believed. */
  #seconds: number | null = null;

  /** @param more gets the window more bytes; false at the end */
  constructor(
    window: Window,
    view: DataView,
    reading: RecordReading,
    more: () => Promise<boolean>,
    leftOut: DamageCount,
  ) {
    this.#window = window;
    this.#view = view;
    this.#reading = reading;
    this.#more = more;
    this.#leftOut = leftOut;
  }

  /**
   * Moves the window to the next record that can be believed.
   * @returns how far the records there can be, an offset into the arena; `null` at the end
   */
  async believed(): Promise<number | null> {
    const window = this.#window;
    const { headerSize } = this.#reading.dialect;
    for (;;) {
      const { start } = window;
      const { count, last, next, isSound } = this.#walk();
      if (count > 0) {
        this.#seconds = this.#view.getUint32(start, this.#reading.little);
      }
      if (count > 1) return last;
      if (!isSound) {
        const inside = count === 1 ? this.#inside(start + headerSize, next) : null;
        if (inside !== null && !inside.isSure) {
          // What decides lies behind the window.
          if (window.length <= longestUnit && (await this.#more())) continue;
          return next;
        }
        if (inside !== null) {
          this.#leftOut.add(inside.at - start);
          window.dropTo(inside.at);
        } else if (count === 1) return next;
        else if (!(await this.#seek())) return null;
        continue;
      }
      if (await this.#more()) continue;
      if (window.stopped || window.length === 0) return null;
      if (count === 1) return next;
      if (!(await this.#seek())) return null;
    }
  }

  /**
   * Sound records one behind the other: how many, where the last begins, where the next should. Not
   * `isSound`: what stands there is no header; else the bytes have just ended.
   */
  #walk(): { count: number; last: number; next: number; isSound: boolean } {
    const { start, end } = this.#window;
    const { little, dialect } = this.#reading;
    let count = 0;
    let last = start;
    let next = start;
    while (next + dialect.headerSize <= end) {
      if (!isSound(this.#view, next, this.#reading)) return { count, last, next, isSound: false };
      const captured = capturedLength(this.#view, next, little, dialect);
      if (next + dialect.headerSize + captured > end) break;
      last = next;
      next += dialect.headerSize + captured;
      count++;
    }
    return { count, last, next, isSound: true };
  }

  /** A record that begins inside `[from, end)`, where another one claims to have its packet. */
  #inside(from: number, end: number): FoundRecord | null {
    const found = this.#find(from, false);
    return found.at < end ? found : null;
  }

  /** Moves the window to a record behind its first byte. False when there is none. */
  async #seek(): Promise<boolean> {
    const window = this.#window;
    const { offset } = window;
    let from = window.start + 1;
    let isEnd = false;
    for (;;) {
      const found = this.#find(from, isEnd);
      window.dropTo(Math.min(found.at, window.end));
      if (found.isSure || window.length === 0) break;
      if (!isEnd && (await this.#more())) from = window.start;
      else if (window.stopped) break;
      else {
        // A candidate that the end cuts is none, unless it is looked at as the last one.
        from = isEnd ? window.start + 1 : window.start;
        isEnd = true;
      }
    }
    this.#leftOut.add(window.offset - offset);
    return window.length > 0;
  }

  #find(from: number, isEnd: boolean) {
    return findRecord(this.#view, from, this.#window.end, isEnd, this.#reading, this.#seconds);
  }
}
