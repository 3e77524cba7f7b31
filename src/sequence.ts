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

/** An array of an array's items; of others, each made when it is asked for. */
export function mapped<S, T>(items: Sequence<S>, make: (item: S, index: number) => T): Sequence<T> {
  if (Array.isArray(items)) return (items as readonly S[]).map(make);
  return new LazySequence(items.length, (index) => make(itemAt(items, index), index));
}

/** An array of the first `count`, or of all when there are fewer. */
export function firstOf<T>(items: Sequence<T>, count: number): T[] {
  const length = Math.min(count, items.length);
  return Array.from({ length }, (_, index) => itemAt(items, index));
}

/** @throws RangeError where there is none: the caller knows that there is */
export function itemAt<T>(items: Sequence<T>, index: number): T {
  const item = items.at(index);
  if (item === undefined) throw new RangeError(`there is no item ${index} of ${items.length}`);
  return item;
}
