/** Walks over the records of a batch, for the rare cases in which a source must look at them. */
import { recordLayout, type Batch, type BatchFormat } from '../packet/batch.js';

/** The end of the last record that is whole in `[start, end)`; `start` when none is. */
export function endOfWholeRecords(
  view: DataView,
  format: BatchFormat,
  start: number,
  end: number,
): number {
  let at = start;
  while (at + recordLayout.size <= end) {
    const length = view.getUint32(at + recordLayout.capturedLength, !format.bigEndian);
    const next = at + recordLayout.size + length;
    if (next > end) break;
    at = next;
  }
  return at;
}

/** True when a record of the batch is younger than `milliseconds` since 1970. */
export function hasRecordAfter(view: DataView, batch: Batch, milliseconds: number): boolean {
  const { bigEndian, nanoseconds } = batch.format;
  const perMillisecond = nanoseconds ? 1e6 : 1e3;
  for (let at = batch.start; at + recordLayout.size <= batch.end;) {
    const seconds = view.getUint32(at + recordLayout.seconds, !bigEndian);
    const fraction = view.getUint32(at + recordLayout.fraction, !bigEndian);
    if (seconds * 1e3 + fraction / perMillisecond > milliseconds) return true;
    at += recordLayout.size + view.getUint32(at + recordLayout.capturedLength, !bigEndian);
  }
  return false;
}
