/** The walk over plain IPv4 packets, which most are: WebAssembly, from `assembly/plain-walk.ts`. */
import { readFileSync } from 'node:fs';
import type { LabelLookup } from './labels/lookup.js';
import { LabelCounters, totalOf } from './label-counters.js';
import type { Arena, Region } from './packet/arena.js';
import type { BatchFormat } from './packet/batch.js';
import { linkLayerOf, unknownLayer } from './packet/link-layer.js';
import { webAssembly, type WasmMemory, type WasmModule } from './packet/web-assembly.js';
import type { Runs } from './runs.js';

/** What the module exports; what each does stands there. Numbers are 32-bit integers. */
interface PlainWalkExports {
  place(base: number, labels: number, oneWay: number, keepOthers: number): void;
  begin(little: number, offset: number, mask: number, value: number, ip: number): void;
  read(at: number, limit: number): number;
  readIndexed(starts: number, most: number, blocks: number): number;
  converse(count: number, lead: number, apart: number): number;
}

/** The layout of the module's own memory, bytes; counters come last. */
const longestRow = 1024;
const sumsSize = 64;
const fieldsWidth = 4;
const fieldsSize = (longestRow + 1) * fieldsWidth * 4;
const endsSize = longestRow * 4;
const runWidth = 5;
const runsSize = longestRow * runWidth * 4;
const pairsSize = 1024 * 16;
const runsAt = sumsSize + fieldsSize + endsSize;
const countersAt = runsAt + runsSize + pairsSize;

/** Size of the region that the walk of a classifier needs, bytes. */
export function plainWalkSize(labels: number): number {
  return countersAt + LabelCounters.sizeOf(labels);
}

export interface PlainWalkOptions {
  readonly arena: Arena;
  /** Of `plainWalkSize`. */
  readonly region: Region;
  /** Of labels without ports. */
  readonly lookup: LabelLookup;
  readonly labels: number;
  readonly keepOthers: boolean;
  /** A conversation ends where the direction changes, too. */
  readonly oneWay: boolean;
}

/** Where a classifier's counters are to be, so that its walk can count. */
export function countersOf(
  arena: Arena,
  { start }: Region,
): { buffer: ArrayBufferLike; at: number } {
  return { buffer: arena.bytes.buffer, at: start + countersAt };
}

export class PlainWalk {
  readonly #module: PlainWalkExports;
  readonly #buffer: ArrayBufferLike;
  readonly #sums: Int32Array;
  /** For each record of the row: its offset, and three fields more. Behind the last, where the next would be. */
  readonly #fields: Int32Array;
  readonly #runs: Int32Array;
  /** Of the row that was taken last: where its last record begins, and where the next one would. */
  last = 0;
  end = 0;

  /** `null` where the arena is no memory that WebAssembly can reach: then packets are taken one by one. */
  static of(options: PlainWalkOptions): PlainWalk | null {
    const { memory } = options.arena;
    return memory === undefined ? null : new PlainWalk(options, memory);
  }

  private constructor(options: PlainWalkOptions, memory: WasmMemory) {
    const { lookup, labels, region, keepOthers, oneWay } = options;
    const { start } = region;
    const { exports } = new webAssembly.Instance(program(), {
      env: { memory },
      labels: { v4: (address: number) => lookup.v4(address, 0) },
    });
    this.#module = exports as unknown as PlainWalkExports;
    this.#buffer = memory.buffer;
    this.#sums = new Int32Array(memory.buffer, start, 4);
    this.#fields = new Int32Array(memory.buffer, start + sumsSize, fieldsSize / 4);
    this.#runs = new Int32Array(memory.buffer, start + runsAt, runsSize / 4);
    this.#module.place(start, labels, Number(oneWay), Number(keepOthers));
  }

  /** Whether it can read records of such an index. */
  reaches(starts: Int32Array): boolean {
    return starts.buffer === this.#buffer;
  }

  /** What is read next is of this format. */
  begin({ bigEndian, linkType }: BatchFormat): void {
    const { offset, mask, value, ip } = (linkLayerOf(linkType) ?? unknownLayer).fastIpv4;
    this.#module.begin(Number(!bigEndian), offset, mask, value, ip);
  }

  /**
   * Takes records that follow one another at once, from the one at `at` on, up to the first that is
   * something else, or ends beyond `limit`; so many at most.
   * @returns how many, 0 when even the first is something else
   */
  read(at: number, limit: number): number {
    return this.#took(this.#module.read(at, limit));
  }

  /**
   * The same for records that have an index.
   * @param number of the first, among the `total` that there are
   * @param blocks they are in pcapng blocks, and the row ends where something lies between two
   */
  readIndexed(starts: Int32Array, number: number, total: number, blocks: boolean): number {
    const first = starts.byteOffset + number * starts.BYTES_PER_ELEMENT;
    return this.#took(this.#module.readIndexed(first, total - number, Number(blocks)));
  }

  /**
   * Counts the records that were read last, and hands them on.
   * @param lead bytes in front of each record that go with it
   * @param apart they do not follow one another at once: each has an end of its own
   */
  count(count: number, lead: number, apart: boolean, counters: LabelCounters, runs: Runs): void {
    const list = this.#runs;
    const end = this.#module.converse(count, lead, Number(apart)) * runWidth;
    for (let at = 0; at < end; at += runWidth) {
      runs.add(list[at], list[at + 1], list[at + 2], list[at + 3], list[at + 4]);
    }
    const [labelledPackets, labelledBytes, othersPackets, othersBytes] = this.#sums;
    const { totals } = counters;
    totals[totalOf.packets] += count;
    totals[totalOf.bytes] += labelledBytes + othersBytes;
    totals[totalOf.labelledPackets] += labelledPackets;
    totals[totalOf.labelledBytes] += labelledBytes;
    totals[totalOf.othersPackets] += othersPackets;
    totals[totalOf.othersBytes] += othersBytes;
  }

  #took(count: number): number {
    if (count > 0) this.last = this.#fields[(count - 1) * fieldsWidth];
    this.end = this.#fields[count * fieldsWidth];
    return count;
  }
}

let compiled: WasmModule | null = null;

function program(): WasmModule {
  // Beside this file, in the bundle as well.
  const file = import.meta.url.endsWith('.cjs')
    ? './plain-walk.wasm'
    : './assembly/plain-walk.wasm';
  compiled ??= new webAssembly.Module(readFileSync(new URL(file, import.meta.url)));
  return compiled;
}
