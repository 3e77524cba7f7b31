/** How often each packet of one moment came from each capture: a table that makes no garbage. */

/** Words of a slot; the moment that it is of comes first, so that all are emptied at once. */
const layout = { moment: 0, first: 1, second: 2, lane: 3, times: 4, size: 5 } as const;

/** A power of two. Half of the slots are used: more packets of one moment have no time worth the name. */
const slots = 8192;
const mostUsed = slots / 2;
/** Stands for all captures: how often the packet was let through. */
const passed = -1;

export class Sightings {
  readonly #words = new Int32Array(slots * layout.size);
  #moment = 1;
  #used = 0;

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
   * @returns whether that capture has it more often than it was let through before
   */
  isNew(first: number, second: number, lane: number): boolean {
    if (this.#used + 2 > mostUsed) this.begin();
    const times = ++this.#words[this.#find(first, second, lane) + layout.times];
    const whole = this.#find(first, second, passed) + layout.times;
    if (times <= this.#words[whole]) return false;
    this.#words[whole]++;
    return true;
  }

  #find(first: number, second: number, lane: number): number {
    const words = this.#words;
    const moment = this.#moment;
    let slot = (first ^ (second >>> 7) ^ Math.imul(lane + 2, 0x9e3779b1)) & (slots - 1);
    for (;;) {
      const at = slot * layout.size;
      if (words[at + layout.moment] !== moment) {
        words[at + layout.moment] = moment;
        words[at + layout.first] = first;
        words[at + layout.second] = second;
        words[at + layout.lane] = lane;
        words[at + layout.times] = 0;
        this.#used++;
        return at;
      }
      if (
        words[at + layout.first] === first &&
        words[at + layout.second] === second &&
        words[at + layout.lane] === lane
      ) {
        return at;
      }
      slot = (slot + 1) & (slots - 1);
    }
  }
}
