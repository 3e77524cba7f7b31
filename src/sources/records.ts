/** Finds where a run of bytes may be cut without cutting a record. */
import { recordLayout, type BatchFormat } from '../packet/batch.js';

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
