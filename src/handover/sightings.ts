/** How often each packet of one moment came from each capture: a table that makes no garbage. */

/** Words of a slot; the moment that it is of comes first, so that all are emptied at once. */
const layout = { moment: 0, first: 1, second: 2, lane: 3, times: 4, size: 5 } as const;

/** Half of the slots are used: more packets of one moment have no time worth the name. */
const momentSlots = 8192;
/** Stands for all captures: how often the packet was let through. */
const passed = -1;

export class Sightings {
  readonly #slots: number;
  readonly #words: Int32Array;
  #moment = 1;
  #used = 0;

  /** @param slots a power of two */
  constructor(slots = momentSlots) {
    this.#slots = slots;
    this.#words = new Int32Array(slots * layout.size);
  }

  /** Whoever takes one more packet has all forgotten. */
  get isFull(): boolean {
    return this.#used + 2 > this.#slots / 2;
  }

  /** Forgets all. */
  begin(): void {
    this.#used = 0;
    this.#moment = (this.#moment + 1) | 0;
    // After 2^32 moments an old slot could look like a new one.
    if (this.#moment === 0) {
      this.#words.fill(0);
      this.#moment = 1;
    }
  }

  /**
   * Takes one packet, known by 64 bits of a hash, of one capture.
   * @param older what else counts
   * @returns whether that capture has it more often than it was let through before
   */
  isNew(first: number, second: number, lane: number, older?: Sightings): boolean {
    if (this.isFull) this.begin();
    const times = ++this.#words[this.#find(first, second, lane, older) + layout.times];
    const whole = this.#find(first, second, passed, older) + layout.times;
    if (times <= this.#words[whole]) return false;
    this.#words[whole]++;
    return true;
  }

  /** Where it is, or a slot that is free for it. */
  #at(first: number, second: number, lane: number): number {
    const words = this.#words;
    const last = this.#slots - 1;
    let slot = (first ^ (second >>> 7) ^ Math.imul(lane + 2, 0x9e3779b1)) & last;
    for (;;) {
      const at = slot * layout.size;
      const isIt =
        words[at + layout.moment] !== this.#moment ||
        (words[at + layout.first] === first &&
          words[at + layout.second] === second &&
          words[at + layout.lane] === lane);
      if (isIt) return at;
      slot = (slot + 1) & last;
    }
  }

  #find(first: number, second: number, lane: number, older?: Sightings): number {
    const words = this.#words;
    const at = this.#at(first, second, lane);
    if (words[at + layout.moment] !== this.#moment) {
      words[at + layout.moment] = this.#moment;
      words[at + layout.first] = first;
      words[at + layout.second] = second;
      words[at + layout.lane] = lane;
      words[at + layout.times] = older === undefined ? 0 : older.#times(first, second, lane);
      this.#used++;
    }
    return at;
  }

  #times(first: number, second: number, lane: number): number {
    const at = this.#at(first, second, lane);
    return this.#words[at + layout.moment] === this.#moment ? this.#words[at + layout.times] : 0;
  }
}
