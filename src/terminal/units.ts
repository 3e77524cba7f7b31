/** Sizes, times and counts as people write and read them: 1024-based `k M G`, and `ms s m h`. */
import { LbcapError } from '../errors.js';

const kibi = 1024;
const sizeUnits = ['k', 'M', 'G', 'T', 'P'] as const;
const sizeFactors: Readonly<Record<string, number>> = {
  '': 1,
  k: kibi,
  m: kibi ** 2,
  g: kibi ** 3,
};

const millisecondsOf: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A timer's limit (setTimeout takes 2^31 - 1 ms, and fires at once beyond). */
const longestHours = 596;

/**
 * Bytes of `4096`, `100M`, `1.5G`; either case.
 *
 * @param what names it in the error: `--bytes`
 * @throws LbcapError `USAGE` for anything else, for 0, and beyond 2^53
 */
export function parseSize(text: string, what: string): number {
  const match = /^(\d+|\d+\.\d+(?=[kmg]))([kmg]?)$/i.exec(text.trim());
  const bytes = match === null ? NaN : Number(match[1]) * sizeFactors[match[2].toLowerCase()];
  if (!(bytes >= 1) || bytes > Number.MAX_SAFE_INTEGER) {
    throw new LbcapError(
      'USAGE',
      `${what}: "${text}" is not a size`,
      'write a number of bytes above 0, or one with k, M or G, such as 100M',
    );
  }
  return Math.floor(bytes);
}

/**
 * Milliseconds of `500ms`, `10s`, `5m`, `1.5h`, `1h30m`; a bare number is seconds, as for tcpdump.
 *
 * @param what names it in the error: `--duration`
 * @throws LbcapError `USAGE` for anything else, for 0, and for more than a timer can hold
 */
export function parseDuration(text: string, what: string): number {
  const trimmed = text.trim();
  let milliseconds = 0;
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    milliseconds = Number(trimmed) * 1000;
  } else if (/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(trimmed)) {
    for (const [, number, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
      milliseconds += Number(number) * millisecondsOf[unit];
    }
  }
  milliseconds = Math.round(milliseconds);
  if (milliseconds < 1) {
    throw new LbcapError(
      'USAGE',
      `${what}: "${text}" is not a time`,
      'write a number above 0 with ms, s, m or h, such as 10s',
    );
  }
  if (milliseconds > longestHours * millisecondsOf['h']) {
    throw new LbcapError(
      'USAGE',
      `${what}: "${text}" is too long`,
      `${String(longestHours)}h is the most; without the option there is no limit`,
    );
  }
  return milliseconds;
}

/** `0`, `832`, `1.5k`, `64k`, `999k`, `1.2M`: at most four characters and the unit. */
export function formatBytes(bytes: number): string {
  let value = Math.round(bytes);
  if (value < kibi) return String(value);
  let unit = -1;
  // 999.5 would be shown as 1000: the next unit from there on keeps the column narrow.
  while (value >= 999.5 && unit < sizeUnits.length - 1) {
    value /= kibi;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)}${sizeUnits[unit]}`;
}

/** `1,234,567`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `850 ms`, `4.2 s`, `42 s`, `1:05`, `2:03:04`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)} ms`;
  if (milliseconds < 9950) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (milliseconds < 59_500) return `${(milliseconds / 1000).toFixed(0)} s`;
  const seconds = Math.round(milliseconds / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes)}:${two(seconds % 60)}`;
  return `${String(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** `12 %`, `0.4 %`, `<0.1 %`: never 0 for a part that is not. */
export function formatPercent(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  if (part > 0 && percent < 0.1) return '<0.1 %';
  return `${percent < 9.95 && part > 0 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}
