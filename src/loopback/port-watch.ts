/** Looks now and then whether labels come near the end of their ports, beside something that matters more. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Label } from '../labels/label.js';
import { farShare, nearLimits, type NearLimit } from './port-limit.js';
import { readPorts } from './port-report.js';
import { openSocketTables } from './tcp-sockets.js';

/** Milliseconds between two looks. */
const interval = 5000;
/** A look at 200,000 sockets takes a fifth of a second: of all time, one part in so many. */
const leastRest = 50;

export interface PortWatch {
  /** As of the last look. */
  readonly near: readonly NearLimit[];
  stop(): void;
}

/**
 * Goes on in the background until it is stopped. What keeps it from looking ends it: a capture is
 * not to fail for it.
 *
 * @param onNear is told of each label and server once, and again when it has been far from its limit
 */
export function watchPorts(
  labels: readonly Label[],
  onNear: (limit: NearLimit) => void,
): PortWatch {
  const stopping = new AbortController();
  let near: readonly NearLimit[] = [];
  let told: ReadonlySet<string> = new Set();
  const look = async (): Promise<void> => {
    const tables = await openSocketTables();
    try {
      while (!stopping.signal.aborted) {
        const before = performance.now();
        const { labels: usage } = await readPorts(tables, labels, stopping.signal);
        const took = performance.now() - before;
        // The last answer may have come after that.
        if (stopping.signal.aborted) break;
        near = nearLimits(usage);
        const stillTold = nearLimits(usage, farShare)
          .map(keyOf)
          .filter((key) => told.has(key));
        for (const limit of near) if (!told.has(keyOf(limit))) onNear(limit);
        told = new Set([...stillTold, ...near.map(keyOf)]);
        // Without a reference: nothing waits for this.
        const rest = Math.max(interval, took * leastRest);
        await pause(rest, null, { signal: stopping.signal, ref: false });
      }
    } finally {
      tables.close();
    }
  };
  look().catch(() => {
    // What is not known any more is not to be warned of; what was known at the end is.
    if (!stopping.signal.aborted) near = [];
  });
  return {
    get near() {
      return near;
    },
    stop() {
      stopping.abort();
    },
  };
}

function keyOf({ label, server }: NearLimit): string {
  return `${label} ${server}`;
}
