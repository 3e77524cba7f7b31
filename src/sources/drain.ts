/** Decides when everything that was captured before a stop has been handed over. */
import { recordLayout, type Batch } from '../packet/batch.js';

export interface DrainLimits {
  /** How long the kernel may hold packets back, its timer's tick included, milliseconds. */
  readonly holdBack: number;
  /** Size of the kernel's buffer: more than that cannot have waited in it, bytes. */
  readonly bufferSize: number;
  /** Packets that the kernel had accepted by the stop and that were not read yet; `null`: unknown. */
  readonly missing: number | null;
  /** How many of the missing may never come: accepted before the filter was in place. */
  readonly uncertain: number;
}

/** How long a busy kernel is waited for when its count says that packets are missing, milliseconds. */
const patience = 500;

/**
 * The kernel hands blocks of packets over when they are full or `holdBack` old, so the last packets
 * before a stop may come a little after it. The end is the first of: as many packets as the kernel
 * had counted; a packet younger than the stop; nothing for longer than the kernel holds back, or,
 * while its count says otherwise, than patience lasts; as many bytes as its buffer can have held
 * (for clocks that jump).
 */
export class Drain {
  readonly #limits: DrainLimits;
  readonly #wall: number;
  readonly #began: number;
  #missing: number | null;
  #bytesLeft: number;
  #done = false;

  /** @param wall milliseconds since 1970 @param now monotonic milliseconds, both at the stop */
  constructor(limits: DrainLimits, wall: number, now: number) {
    this.#limits = limits;
    this.#missing = limits.missing;
    this.#bytesLeft = limits.bufferSize;
    // Clocks of programs show whole milliseconds, those of packets do not.
    this.#wall = wall + 1;
    this.#began = now;
  }

  get done(): boolean {
    return this.#done || (this.#missing !== null && this.#missing <= 0);
  }

  /** Looks at a batch of packets that were read after the stop. */
  saw(view: DataView, { format, start, end, index }: Batch): void {
    const perMillisecond = format.nanoseconds ? 1e6 : 1e3;
    const word = (at: number) => view.getUint32(at, !format.bigEndian);
    let packets = 0;
    const starts = index?.starts ?? null;
    let at = start;
    while (index === undefined ? at < end : packets < index.count) {
      if (starts !== null) at = starts[packets];
      packets++;
      const milliseconds =
        word(at + recordLayout.seconds) * 1e3 + word(at + recordLayout.fraction) / perMillisecond;
      if (milliseconds > this.#wall) this.#done = true;
      at += recordLayout.size + word(at + recordLayout.capturedLength);
    }
    if (this.#missing !== null) this.#missing -= packets;
    this.#bytesLeft -= end - start;
    if (this.#bytesLeft < 0) this.#done = true;
  }

  /** Told when a look that does not wait found nothing. */
  foundNothing(now: number): void {
    const { holdBack, uncertain } = this.#limits;
    const isLate = this.#missing !== null && this.#missing > uncertain;
    if (now - this.#began > (isLate ? patience : holdBack)) this.#done = true;
  }
}
