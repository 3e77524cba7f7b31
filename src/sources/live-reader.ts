/** How a live capture gets at its packets: through libpcap's calls, or in the kernel's ring. */
import type { Batch } from '../packet/batch.js';

/** Calls do not overlap, but for `wake`. */
export interface LiveReader {
  /** Packets handed out, or about to be, that were taken before `drain`. */
  readonly packets: number;
  /** The batch that was handed out last was taken after `drain`. */
  readonly isDrained: boolean;
  /** `fetch` no longer waits for packets: it looks, and comes back at once. */
  readonly onlyLooks: boolean;
  /** The next of the packets that were taken; `null`: `fetch` more. */
  handOut(): Batch | null;
  /**
   * Takes packets. Waits for the first, unless `onlyLooks`, until `wake`. Resolves to whether any may
   * have come. Rejects with `CAPTURE_FAILED`; packets from before that are handed out nevertheless.
   */
  fetch(): Promise<boolean>;
  /** Ends a `fetch` that leaves packets where they are for a while. */
  hurry?(): void;
  /** From now on what is there is taken and nothing waited for. Ends a `fetch` that waits. */
  drain(): void;
  /** Ends every `fetch` and resolves when none is under way; the capture may then be closed. */
  end(): Promise<void>;
}

/**
 * A busy capture is left alone for so many milliseconds and then emptied by this thread, with no
 * worker in between: two wake-ups less for every block of the kernel's, and the packets are worked
 * on by the processor that has just copied them (native-notes/libpcap.md has the figures).
 */
export const breather = 10;
/** What may fill meanwhile, as a part of the kernel's buffer: a burst must find the rest empty. */
export const breatherShare = 1 / 16;
