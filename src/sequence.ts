/** Items that are made only when they are asked for: labels there may be many, of which few are looked at. */

/** An array, or what can stand for one where it is only read item by item. */
export interface Sequence<T> extends Iterable<T> {
  readonly length: number;
  /** `undefined` where there is none; from the end when negative, as of an array. */
  at(index: number): T | undefined;
}

/** Makes every item anew each time: it is to be cheap, and items are not told apart by identity. */
export class LazySequence<T> implements Sequence<T> {
  readonly length: number;
  readonly #make: (index: number) => T;

  constructor(length: number, make: (index: number) => T) {
    this.length = length;
    this.#make = make;
  }

  at(index: number): T | undefined {
    const place = index < 0 ? index + this.length : index;
    return place >= 0 && place < this.length ? this.#make(place) : undefined;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = 0; index < this.length; index++) yield this.#make(index);
  }
}

/** @throws RangeError where there is none: the caller knows that there is */
export function itemAt<T>(items: Sequence<T>, index: number): T {
  const item = items.at(index);
  if (item === undefined) throw new RangeError(`there is no item ${index} of ${items.length}`);
  return item;
}
