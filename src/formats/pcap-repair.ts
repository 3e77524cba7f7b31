/** Finds the next pcap record that can be believed, behind damage. */
import { maximumCapturedLength, recordLayout } from '../packet/batch.js';
import { capturedLength } from './pcap-dialects.js';
import type { RecordDialect } from './pcap.js';

/** How records of a file are to be read, and what is known of their time. */
export interface RecordReading {
  readonly little: boolean;
  readonly nanoseconds: boolean;
  readonly dialect: RecordDialect;
}

/** Packets behind damage are believed when they are within a week of those before it (as in pcapfix). */
const mostSeconds = 7 * 24 * 3600;

/** A header that could be one: 16 bytes at least must be there. */
export function isSound(view: DataView, at: number, reading: RecordReading): boolean {
  const { little, nanoseconds, dialect } = reading;
  const captured = capturedLength(view, at, little, dialect);
  return (
    captured <= maximumCapturedLength &&
    view.getUint32(at + recordLayout.fraction, little) < (nanoseconds ? 1e9 : 1e6) &&
    captured <=
      Math.max(
        view.getUint32(at + recordLayout.originalLength, little),
        view.getUint32(at + recordLayout.capturedLength, little),
      )
  );
}

export interface FoundRecord {
  /** Where it begins, or where the bytes begin of which nothing can be said yet. */
  readonly at: number;
  readonly isSure: boolean;
}

/**
 * Looks at every byte of `[from, end)` for a record with another one behind it.
 * @param isEnd nothing comes behind `end`: a last record may stand there alone
 * @param seconds of the last packet that was believed, or `null`
 */
export function findRecord(
  view: DataView,
  from: number,
  end: number,
  isEnd: boolean,
  reading: RecordReading,
  seconds: number | null,
): FoundRecord {
  const { headerSize } = reading.dialect;
  for (let at = from; at + headerSize <= end; at++) {
    if (!isLikely(view, at, reading, seconds)) continue;
    const next = at + headerSize + capturedLength(view, at, reading.little, reading.dialect);
    if (next + headerSize > end) {
      if (!isEnd) return { at, isSure: false };
      if (next === end) return { at, isSure: true };
    } else if (isLikely(view, next, reading, seconds)) return { at, isSure: true };
  }
  return { at: Math.max(from, end - headerSize + 1), isSure: false };
}

/** Stricter than `isSound`: the bytes of packets are full of what might be headers. */
function isLikely(
  view: DataView,
  at: number,
  reading: RecordReading,
  seconds: number | null,
): boolean {
  if (!isSound(view, at, reading)) return false;
  const { little } = reading;
  const captured = view.getUint32(at + recordLayout.capturedLength, little);
  const original = view.getUint32(at + recordLayout.originalLength, little);
  if (original === 0 || (reading.dialect.lengths === 'in order' && captured > original)) {
    return false;
  }
  const here = view.getUint32(at + recordLayout.seconds, little);
  return seconds === null ? here !== 0 : Math.abs(here - seconds) <= mostSeconds;
}
