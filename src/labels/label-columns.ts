/** Tens of thousands of labels in a few arrays: an object is made only for one that is asked for. */
import { LazySequence, type Sequence } from '../sequence.js';
import { buildHashTable, type HashEntries, type HashTable } from './hash-table.js';
import type { Label } from './label.js';

/** What a label needs that is one IPv4 address; of others only the name counts. */
export interface Columns {
  /** Where the names stand, one byte a character. */
  readonly text: Buffer;
  /** By label: offset and length of its name in the text. */
  readonly nameStarts: Int32Array;
  readonly nameLengths: Uint8Array;
  /** By label: network order, as `DataView.getInt32` reads it. */
  readonly addresses: Int32Array;
  /** By index, the labels that are anything else. Their place in the columns is unused. */
  readonly others: ReadonlyMap<number, Label>;
}

/**
 * Why: as objects, 65,536 labels take longer to make, and to keep from the garbage collector, than
 * a gigabyte of packets to split.
 */
export class LabelColumns implements Sequence<Label> {
  readonly length: number;
  readonly names: Sequence<string>;
  readonly columns: Columns;
  readonly #labels: LazySequence<Label>;
  #byAddress: HashTable | null = null;

  constructor(columns: Columns) {
    this.columns = columns;
    this.length = columns.addresses.length;
    this.names = new LazySequence(this.length, (index) => this.#nameOf(index));
    this.#labels = new LazySequence(this.length, (index) => this.#make(index));
  }

  at(index: number): Label | undefined {
    return this.#labels.at(index);
  }

  [Symbol.iterator](): Iterator<Label> {
    return this.#labels[Symbol.iterator]();
  }

  /** There are labels that are one IPv4 address. */
  get hasAddresses(): boolean {
    return this.columns.others.size < this.length;
  }

  /** The labels that are one IPv4 address, by it: for all who ask whose an address is. */
  get byAddress(): HashTable {
    return (this.#byAddress ??= buildHashTable(this.single, 1));
  }

  /** The same labels in a row: addresses, and indexes where other labels stand between them. */
  get single(): HashEntries {
    const { addresses, others } = this.columns;
    if (others.size === 0) return { keys: addresses };
    const count = this.length - others.size;
    const single = { keys: new Int32Array(count), values: new Int32Array(count) };
    let next = 0;
    for (let index = 0; index < this.length; index++) {
      if (others.has(index)) continue;
      single.keys[next] = addresses[index];
      single.values[next++] = index;
    }
    return single;
  }

  /** The same labels but for some, with others behind them. */
  changed(removed: ReadonlySet<number>, added: readonly Label[]): LabelColumns {
    const { text, nameStarts, nameLengths, addresses, others } = this.columns;
    const length = this.length - removed.size + added.length;
    const changed = {
      text,
      nameStarts: new Int32Array(length),
      nameLengths: new Uint8Array(length),
      addresses: new Int32Array(length),
      others: new Map<number, Label>(),
    };
    let next = 0;
    for (let index = 0; index < this.length; index++) {
      if (removed.has(index)) continue;
      changed.nameStarts[next] = nameStarts[index];
      changed.nameLengths[next] = nameLengths[index];
      changed.addresses[next] = addresses[index];
      const other = others.get(index);
      if (other !== undefined) changed.others.set(next, other);
      next++;
    }
    for (const label of added) changed.others.set(next++, label);
    return new LabelColumns(changed);
  }

  #nameOf(index: number): string {
    const { text, nameStarts, nameLengths, others } = this.columns;
    const start = nameStarts[index];
    return others.get(index)?.name ?? text.toString('latin1', start, start + nameLengths[index]);
  }

  #make(index: number): Label {
    const { others, addresses } = this.columns;
    const other = others.get(index);
    if (other !== undefined) return other;
    const value = addresses[index];
    const address = Uint8Array.of(value >> 24, value >> 16, value >> 8, value);
    const [a, b, c, d] = address;
    return {
      name: this.#nameOf(index),
      text: `${a}.${b}.${c}.${d}`,
      endpoints: [{ family: 4, address, prefix: 32, port: null }],
    };
  }
}

/** The names of labels, without more of them. */
export function namesOf(labels: Sequence<Label>): Sequence<string> {
  return labels instanceof LabelColumns ? labels.names : Array.from(labels, ({ name }) => name);
}
