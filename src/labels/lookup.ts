/** Which label an address (and port) is: asked twice for every packet. */
import type { Sequence } from '../sequence.js';
import { buildHashTable, fold, type HashEntries, type HashTable } from './hash-table.js';
import { LabelColumns } from './label-columns.js';
import type { Label } from './label.js';

/** Labels compiled for the hot path: nothing is allocated, and 65,536 labels take no longer than 8. */
export interface LabelLookup {
  /** False: ports need not be looked for. */
  readonly usesPorts: boolean;
  /** What `v4` asks where there is no port, one after the other: for walks that ask by themselves. */
  readonly plain4: readonly AddressTable[];
  /**
   * @param address network order, as `DataView.getInt32(offset)` reads it (signed)
   * @param port 0 when the packet has none, or none that can be known
   * @returns the label's index, or -1
   */
  v4(address: number, port: number): number;
  /**
   * @param offset of the 16 address bytes; the caller has checked that they are there
   * @param port as for `v4`
   * @returns the label's index, or -1
   */
  v6(view: DataView, offset: number, port: number): number;
}

/**
 * One table for each shape in use (prefix length, with or without port), one probe for each
 * table: plain addresses alone cost one. Labels do not overlap, so at most one table answers and
 * their order does not matter.
 *
 * @param labels without overlaps, as `parseLabels` gives them
 */
export function compileLookup(labels: Sequence<Label>): LabelLookup {
  const columns = labels instanceof LabelColumns ? labels : null;
  const shapes = shapesOf(columns?.columns.others ?? [...labels].entries());
  const of = (family: 4 | 6, ported: boolean) =>
    shapes
      .filter((shape) => shape.family === family && shape.ported === ported)
      // The commonest first.
      .sort((a, b) => b.values.length - a.values.length);
  const plain4 = of(4, false).map(
    (shape) => new PlainBlocks4(shape.prefix, buildHashTable(shape, 1)),
  );
  if (columns?.hasAddresses === true) plain4.unshift(new PlainBlocks4(32, columns.byAddress));
  return new CompiledLookup(
    plain4,
    of(4, true).map((shape) => new PortedBlocks4(shape)),
    of(6, false).map((shape) => new Blocks6(shape)),
    of(6, true).map((shape) => new Blocks6(shape)),
  );
}

/** Labels by their masked address. Slots: address, label + 1. */
export interface AddressTable {
  readonly mask: number;
  readonly table: HashTable;
}

class CompiledLookup implements LabelLookup {
  readonly usesPorts: boolean;

  constructor(
    readonly plain4: readonly PlainBlocks4[],
    private readonly ported4: readonly PortedBlocks4[],
    private readonly plain6: readonly Blocks6[],
    private readonly ported6: readonly Blocks6[],
  ) {
    this.usesPorts = ported4.length + ported6.length > 0;
  }

  v4(address: number, port: number): number {
    for (let i = 0; i < this.plain4.length; i += 1) {
      const label = this.plain4[i].find(address);
      if (label !== -1) return label;
    }
    if (port === 0) return -1;
    for (let i = 0; i < this.ported4.length; i += 1) {
      const label = this.ported4[i].find(address, port);
      if (label !== -1) return label;
    }
    return -1;
  }

  v6(view: DataView, offset: number, port: number): number {
    for (let i = 0; i < this.plain6.length; i += 1) {
      const label = this.plain6[i].find(view, offset, 0);
      if (label !== -1) return label;
    }
    if (port === 0) return -1;
    for (let i = 0; i < this.ported6.length; i += 1) {
      const label = this.ported6[i].find(view, offset, port);
      if (label !== -1) return label;
    }
    return -1;
  }
}

/** IPv4 blocks of one prefix length. */
class PlainBlocks4 implements AddressTable {
  readonly mask: number;

  constructor(
    prefix: number,
    readonly table: HashTable,
  ) {
    this.mask = maskOf(prefix);
  }

  find(address: number): number {
    const { slots, multiplier, shift, last } = this.table;
    const key = address & this.mask;
    let slot = Math.imul(key, multiplier) >>> shift;
    for (;;) {
      const label = slots[2 * slot + 1];
      if (label === 0) return -1;
      if (slots[2 * slot] === key) return label - 1;
      slot = (slot + 1) & last;
    }
  }
}

/** IPv4 blocks of one prefix length, each with a port. Slots: address, port, label + 1, unused. */
class PortedBlocks4 {
  private readonly mask: number;
  private readonly table: HashTable;

  constructor(shape: Shape) {
    this.mask = maskOf(shape.prefix);
    this.table = buildHashTable(shape, 2);
  }

  find(address: number, port: number): number {
    const { slots, multiplier, shift, last } = this.table;
    const key = address & this.mask;
    let slot = Math.imul(fold(key, port), multiplier) >>> shift;
    for (;;) {
      const label = slots[4 * slot + 2];
      if (label === 0) return -1;
      if (slots[4 * slot] === key && slots[4 * slot + 1] === port) return label - 1;
      slot = (slot + 1) & last;
    }
  }
}

/** IPv6 blocks of one prefix length. Slots: four address words, port or 0, label + 1, two unused. */
class Blocks6 {
  private readonly mask0: number;
  private readonly mask1: number;
  private readonly mask2: number;
  private readonly mask3: number;
  private readonly table: HashTable;

  constructor(shape: Shape) {
    const { prefix } = shape;
    this.mask0 = maskOf(prefix);
    this.mask1 = maskOf(prefix - 32);
    this.mask2 = maskOf(prefix - 64);
    this.mask3 = maskOf(prefix - 96);
    this.table = buildHashTable(shape, 5);
  }

  find(view: DataView, offset: number, port: number): number {
    const { slots, multiplier, shift, last } = this.table;
    const key0 = view.getInt32(offset) & this.mask0;
    const key1 = view.getInt32(offset + 4) & this.mask1;
    const key2 = view.getInt32(offset + 8) & this.mask2;
    const key3 = view.getInt32(offset + 12) & this.mask3;
    const folded = fold(fold(fold(fold(key0, key1), key2), key3), port);
    let slot = Math.imul(folded, multiplier) >>> shift;
    for (;;) {
      const at = 8 * slot;
      const label = slots[at + 5];
      if (label === 0) return -1;
      if (
        slots[at + 3] === key3 &&
        slots[at + 2] === key2 &&
        slots[at + 1] === key1 &&
        slots[at] === key0 &&
        slots[at + 4] === port
      ) {
        return label - 1;
      }
      slot = (slot + 1) & last;
    }
  }
}

/** A mask of the leading `bits` bits: none when negative, all from 32 on. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  // JavaScript shifts modulo 32, so 32 needs its own answer.
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

/**
 * Endpoints of one family and prefix length, all of them with ports or none. Keys are address words;
 * behind them the port where there are ports, and for IPv6 zero where there are none.
 */
interface Shape extends HashEntries {
  readonly family: 4 | 6;
  readonly prefix: number;
  readonly ported: boolean;
  readonly keys: number[];
  readonly values: number[];
}

/** @param labels with their indexes */
function shapesOf(labels: Iterable<readonly [number, Label]>): Shape[] {
  const shapes = new Map<string, Shape>();
  for (const [label, { endpoints }] of labels) {
    for (const { family, prefix, port, address } of endpoints) {
      const ported = port !== null;
      const name = `${family}/${prefix}${ported ? ':' : ''}`;
      let shape = shapes.get(name);
      if (shape === undefined) {
        shape = { family, prefix, ported, keys: [], values: [] };
        shapes.set(name, shape);
      }
      pushWords(shape.keys, address);
      if (ported || family === 6) shape.keys.push(port ?? 0);
      shape.values.push(label);
    }
  }
  return [...shapes.values()];
}

/** Address bytes as signed 32-bit words in network order. */
function pushWords(words: number[], address: Uint8Array): void {
  for (let i = 0; i < address.length; i += 4) {
    words.push(
      (address[i] << 24) | (address[i + 1] << 16) | (address[i + 2] << 8) | address[i + 3],
    );
  }
}
