/** Turns records of older and patched pcap files into those of version 2.4, in place. */
import { maximumCapturedLength, recordLayout } from '../packet/batch.js';
import type { RecordDialect } from './pcap.js';

export interface Normalised {
  /** How many records there are; `starts` has where their headers now begin. */
  readonly count: number;
  /** Where the first record begins that is not whole, or cannot be believed. */
  readonly end: number;
}

/** Captured length of the record at `at`, in a dialect. */
export function capturedLength(
  view: DataView,
  at: number,
  little: boolean,
  { lengths }: RecordDialect,
): number {
  const captured = view.getUint32(at + recordLayout.capturedLength, little);
  if (lengths === 'in order') return captured;
  const original = view.getUint32(at + recordLayout.originalLength, little);
  return lengths === 'swapped' || captured > original ? original : captured;
}

/**
 * Walks `[start, end)`, at most as many records as `starts` has room for. Each header is moved to right before
 * its packet, with the lengths in order: so what was walked once must not be walked again.
 */
export function normaliseRecords(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
  dialect: RecordDialect,
  starts: Int32Array,
): Normalised {
  const { headerSize } = dialect;
  const moved = headerSize - recordLayout.size;
  let count = 0;
  let at = start;
  while (at + headerSize <= end && count < starts.length) {
    const captured = capturedLength(view, at, little, dialect);
    if (captured > maximumCapturedLength || at + headerSize + captured > end) break;
    const original =
      view.getUint32(at + recordLayout.capturedLength, little) === captured
        ? view.getUint32(at + recordLayout.originalLength, little)
        : view.getUint32(at + recordLayout.capturedLength, little);
    const seconds = view.getUint32(at + recordLayout.seconds);
    const fraction = view.getUint32(at + recordLayout.fraction);
    const record = at + moved;
    view.setUint32(record + recordLayout.seconds, seconds);
    view.setUint32(record + recordLayout.fraction, fraction);
    view.setUint32(record + recordLayout.capturedLength, captured, little);
    view.setUint32(record + recordLayout.originalLength, original, little);
    starts[count++] = record;
    at += headerSize + captured;
  }
  return { count, end: at };
}
