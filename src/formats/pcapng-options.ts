/** Walks the options of a pcapng block. */
import { optionCodes, optionLayout, padded } from './pcapng-layout.js';

export interface Option {
  readonly code: number;
  /** Offset and size of the value. */
  readonly start: number;
  readonly length: number;
}

/**
 * The options in `[start, end)`, until opt_endofopt or the end: many writers leave the former out.
 * An option whose length goes beyond the end is given as far as it goes, with `length` -1, and is the last.
 */
export function* readOptions(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
): Generator<Option> {
  let at = start;
  while (at + optionLayout.value <= end) {
    const code = view.getUint16(at + optionLayout.code, little);
    const length = view.getUint16(at + optionLayout.length, little);
    const value = at + optionLayout.value;
    if (code === optionCodes.end) return;
    if (value + length > end) {
      yield { code, start: value, length: -1 };
      return;
    }
    yield { code, start: value, length };
    at = value + padded(length);
  }
}
