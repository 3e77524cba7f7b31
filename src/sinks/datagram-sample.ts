/** Which datagrams are looked at, where a part of them is enough. */

/**
 * So many are taken one by one, and so many more with each batch, up to the first number; beyond that
 * one in `sampleMean` on average.
 */
const exactPackets = 128;
const exactPerBatch = 32;
const sampleMean = 16;

/**
 * Datagrams have no health, and to find the busiest peer among them a sample does: of a quiet capture all
 * are taken, so it is exact; of a flood one in `sampleMean`, at random distances, since senders that take
 * turns would be met in step by a fixed one.
 */
export class DatagramSample {
  /** How many datagrams the next one stands for. */
  weight = 1;
  #exactLeft = exactPackets;
  #random = 1;

  /** Another batch begins. */
  begin(): void {
    this.#exactLeft = Math.min(exactPackets, this.#exactLeft + exactPerBatch);
  }

  /** One was looked at. @returns how many to pass over before the next, for which `weight` holds */
  next(): number {
    if (this.#exactLeft > 0) {
      this.#exactLeft--;
      this.weight = 1;
      return 0;
    }
    this.weight = sampleMean;
    // Lehmer's generator with Park and Miller's modulus fits 32-bit integers by Schrage's method.
    const high = Math.floor(this.#random / 44_488);
    const low = this.#random % 44_488;
    const next = 48_271 * low - 3_399 * high;
    this.#random = next > 0 ? next : next + 2_147_483_647;
    return this.#random % (2 * sampleMean - 1);
  }
}
