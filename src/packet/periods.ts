/** Cuts batches where a period of the packets' own time ends. */
import { recordLayout, type Batch, type BatchFormat } from './batch.js';

/** A part of a batch; `isNew`: its packets begin a period. */
export interface Piece {
  readonly batch: Batch;
  readonly isNew: boolean;
}

/** Seconds since 1970 of the record at an offset, to about a microsecond. */
export function recordTime(view: DataView, at: number, format: BatchFormat): number {
  const { bigEndian, nanoseconds, blocks } = format;
  const first = view.getUint32(at + recordLayout.seconds, !bigEndian);
  const second = view.getUint32(at + recordLayout.fraction, !bigEndian);
  if (blocks !== undefined) return (first * 2 ** 32 + second) * blocks.tick + blocks.offset;
  return first + second * (nanoseconds ? 1e-9 : 1e-6);
}

/**
 * Periods begin with the first packet, and last as long as asked for; a packet that is late belongs to
 * the period that is under way.
 */
export class Periods {
  readonly #length: number;
  #end = NaN;

  /** @param length seconds */
  constructor(length: number) {
    this.#length = length;
  }

  *pieces(view: DataView, batch: Batch): Generator<Piece> {
    const { index } = batch;
    let begun = 0;
    let start = batch.start;
    let isNew = false;
    let count = 0;
    let at = index === undefined ? batch.start : index.starts[0];
    while (index === undefined ? at < batch.end : count < index.count) {
      const time = recordTime(view, at, batch.format);
      if (Number.isNaN(this.#end)) this.#end = time + this.#length;
      if (time >= this.#end) {
        if (count > begun) yield { batch: part(batch, start, at, begun, count), isNew };
        [start, begun, isNew] = [at, count, true];
        // Silence may have lasted for any number of periods.
        this.#end += Math.floor((time - this.#end) / this.#length + 1) * this.#length;
      }
      count++;
      at =
        index === undefined
          ? at + recordLayout.size + lengthAt(view, at, batch.format)
          : index.starts[count];
    }
    const rest = part(batch, start, batch.end, begun, count);
    if (begun === 0 && !isNew) yield { batch, isNew };
    else yield { batch: rest, isNew };
  }
}

function lengthAt(view: DataView, at: number, { bigEndian }: BatchFormat): number {
  return view.getUint32(at + recordLayout.capturedLength, !bigEndian);
}

/** @param first index of the first record, @param end of the one behind the last */
function part(batch: Batch, start: number, stop: number, first: number, end: number): Batch {
  const { index, format, preamble } = batch;
  return {
    format,
    start,
    end: stop,
    ...(index === undefined
      ? {}
      : { index: { starts: index.starts.subarray(first, end), count: end - first } }),
    // It stands before the first record.
    ...(first > 0 || preamble === undefined ? {} : { preamble }),
  };
}
