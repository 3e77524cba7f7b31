/** From two readings of a label's connections: how fast they grow, and when there is no port left. */
import {
  timeWaitLength,
  type AddressUsage,
  type LabelUsage,
  type ServerUsage,
} from './port-usage.js';

/** What is to be expected of the connections to one server. */
export interface Forecast {
  /** Ports that a new connection cannot have: a second more of them, or fewer. `null`: not known. */
  readonly perSecond: number | null;
  /** Seconds until the first address is full; `null`: never, not soon, or not known. */
  readonly secondsLeft: number | null;
}

/** A prediction goes no further than this many times the time that it was made from. */
const horizon = 1000;

export const unknownForecast: Forecast = { perSecond: null, secondsLeft: null };

/** Ports of an address that a new connection to the server can have. */
export function freePorts(perAddress: number, { used, reusable }: AddressUsage): number {
  return Math.max(0, perAddress - (used - reusable));
}

/**
 * @param before an earlier reading of the same label; a server that is not in it had no connection
 * @param milliseconds between the two
 */
export function forecast(
  before: LabelUsage,
  { perAddress }: LabelUsage,
  server: ServerUsage,
  milliseconds: number,
): Forecast {
  if (!(milliseconds > 0)) return unknownForecast;
  const earlier = new Map(
    before.servers
      .find((other) => other.server === server.server)
      ?.addresses.map((usage) => [usage.address, usage]),
  );
  const rate = (from: number, to: number) => ((to - from) * 1000) / milliseconds;
  let perSecond = 0;
  let secondsLeft: number | null = null;
  for (const address of server.addresses) {
    const old = earlier.get(address.address);
    const waiting = rate(old === undefined ? 0 : waitingPorts(old), waitingPorts(address));
    const held = rate(old === undefined ? 0 : heldPorts(old), heldPorts(address));
    perSecond += held + waiting;
    const left = secondsUntilFull(freePorts(perAddress, address), held, waiting);
    if (left !== null) secondsLeft = Math.min(left, secondsLeft ?? Infinity);
  }
  // An address that has lost all of its connections.
  for (const [address, old] of earlier) {
    if (!server.addresses.some((usage) => usage.address === address)) {
      perSecond += rate(old.used - old.reusable, 0);
    }
  }
  const foreseen = secondsLeft !== null && secondsLeft * 1000 <= horizon * milliseconds;
  const grows = perSecond > 0 || secondsLeft === 0;
  return { perSecond, secondsLeft: foreseen && grows ? secondsLeft : null };
}

/**
 * In a line, but for TIME_WAIT: after a minute as many leave it as come.
 *
 * @param held a second more of connections
 * @param waiting a second more in TIME_WAIT
 */
export function secondsUntilFull(free: number, held: number, waiting: number): number | null {
  if (free <= 0) return 0;
  const growth = held + waiting;
  if (growth > 0) {
    const seconds = free / growth;
    if (seconds * 1000 <= timeWaitLength) return seconds;
  }
  if (held <= 0) return null;
  return (free - (waiting * timeWaitLength) / 1000) / held;
}

function waitingPorts({ states, reusable }: AddressUsage): number {
  return (states.TIME_WAIT ?? 0) - reusable;
}

function heldPorts({ used, states }: AddressUsage): number {
  return used - (states.TIME_WAIT ?? 0);
}
