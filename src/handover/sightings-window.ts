/** How often each packet of the last moments came from each capture, where times step back. */
import { Sightings } from './sightings.js';

/** Of each of two tables, 20 MiB: together the last 170,000 packets at least. */
const slots = 1 << 20;

/** What is forgotten is the older half, so that memory is bounded and nothing is moved. */
export class SightingsWindow {
  /** A packet was forgotten whose moment could come again. */
  isLeaky = false;
  readonly #stepBack: number;
  #newer: Sightings;
  #older: Sightings;
  /** Latest microseconds of all, and of what each table has. */
  #latest = 0;
  #newerLatest = 0;
  #olderLatest = -Infinity;

  /** @param stepBack most microseconds by which a packet is earlier than one before it */
  constructor(stepBack: number, size = slots) {
    this.#stepBack = stepBack;
    this.#newer = new Sightings(size);
    this.#older = new Sightings(size);
  }

  /** As `Sightings.isNew`. */
  isNew(seconds: number, micro: number, first: number, second: number, lane: number): boolean {
    const time = seconds * 1e6 + micro;
    if (time > this.#latest) this.#latest = time;
    if (this.#newer.isFull) this.#forget();
    if (time > this.#newerLatest) this.#newerLatest = time;
    // The moment is part of what makes the packet; odd factors keep two moments apart.
    const a = first ^ Math.imul(micro, 0x9e3779b1) ^ Math.imul(seconds, 0x85ebca6b);
    const b = second ^ Math.imul(micro, 0xc2b2ae35) ^ Math.imul(seconds, 0x27d4eb2f);
    return this.#newer.isNew(a, b, lane, this.#older);
  }

  #forget(): void {
    // Packets are merged by time: every capture has come to `latest`, and goes back no farther.
    if (this.#olderLatest >= this.#latest - this.#stepBack) this.isLeaky = true;
    [this.#newer, this.#older] = [this.#older, this.#newer];
    this.#newer.begin();
    this.#olderLatest = this.#newerLatest;
    this.#newerLatest = 0;
  }
}
