/** pcapng's 64-bit timestamps as pcap's seconds and fraction. */
import { recordLayout } from '../packet/batch.js';

/** How many ticks an interface counts in a second. */
export interface TickRate {
  readonly perSecond: bigint;
  /** The same where it fits 32-bit arithmetic, else 0. */
  readonly small: number;
  /** Seconds in a tick, as near as may be. */
  readonly tick: number;
}

export function decimalTicks(exponent: number): TickRate {
  return {
    perSecond: 10n ** BigInt(exponent),
    small: exponent <= 9 ? 10 ** exponent : 0,
    tick: Number(`1e-${exponent}`),
  };
}

export function binaryTicks(exponent: number): TickRate {
  return { perSecond: 1n << BigInt(exponent), small: 0, tick: 2 ** -exponent };
}

/** Below this, a number of ticks is exact as a double: 2^53 is 2^21 in the upper word. */
const exactHigh = 2 ** 21;
/** Beyond it a double is wrong by up to 1024 ticks: less than a second of rates from here on. */
const coarseRate = 1e6;

/**
 * Replaces the ticks at `record` (upper word, lower word) by seconds and a fraction in units of
 * 1 / `perSecond` (1e6 or 1e9), truncated, as libpcap does.
 * @param offset seconds to add; what comes out is taken modulo 2^32
 */
export function convertTicks(
  view: DataView,
  record: number,
  little: boolean,
  rate: TickRate,
  offset: number,
  perSecond: number,
): void {
  const high = view.getUint32(record, little);
  const low = view.getInt32(record + recordLayout.fraction, little);
  const unit = rate.small;
  let seconds: number;
  let fraction: number;
  if (unit > 0 && (high < exactHigh || unit >= coarseRate)) {
    seconds = Math.floor((high * 2 ** 32 + (low >>> 0)) / unit);
    // Exact in 32 bits, whatever the division has rounded: the true rest is less than `unit`.
    let rest = (low - Math.imul(seconds, unit)) | 0;
    if (rest < 0) {
      rest += unit;
      seconds--;
    } else if (rest >= unit) {
      rest -= unit;
      seconds++;
    }
    fraction =
      unit <= perSecond ? rest * (perSecond / unit) : Math.floor(rest / (unit / perSecond));
  } else {
    const ticks = (BigInt(high) << 32n) | BigInt(low >>> 0);
    seconds = Number(BigInt.asUintN(32, ticks / rate.perSecond));
    fraction = Number(((ticks % rate.perSecond) * BigInt(perSecond)) / rate.perSecond);
  }
  // The sum of the two may be beyond what a double has exactly; a remainder of doubles costs 30 ns.
  const added = Math.abs(offset) < 2 ** 32 ? offset : offset % 2 ** 32;
  view.setUint32(record, seconds + added, little);
  view.setUint32(record + recordLayout.fraction, fraction, little);
}
