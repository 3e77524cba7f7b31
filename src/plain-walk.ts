/** The walk over plain IPv4 packets, which most are: WebAssembly, from `assembly/plain-walk.ts`. */
import { LbcapError } from './errors.js';
import { LabelCounters, totalOf } from './label-counters.js';
import type { AddressTable, LabelLookup } from './labels/lookup.js';
import type { Arena, Region } from './packet/arena.js';
import { blockLead, type Batch, type RecordIndex } from './packet/batch.js';
import { linkLayerOf, unknownLayer } from './packet/link-layer.js';
import { loadWalk } from './packet/walk-module.js';
import type { RunAppender, Runs, RunSink } from './runs.js';

/** What the module exports; what each does stands there. Numbers are 32-bit integers, but for `added`, a double. */
interface PlainWalkModule {
  place(
    base: number,
    counters: number,
    tables: number,
    tableCount: number,
    oneWay: number,
    others: number,
  ): number;
  begin(little: number, offset: number, mask: number, value: number, ip: number): void;
  aim(base: number, count: number, row: number, listLong: number): void;
  beginBlocks(id: number, longest: number, ticks: number, added: number, perSecond: number): void;
  walk(at: number, limit: number): number;
  walkBlocks(at: number, limit: number): number;
  walkIndexed(starts: number, most: number, blocks: number, lead: number, apart: number): number;
  appendRuns(first: number, end: number): number;
}

/** The layout of the module's own memory, bytes: the counters of labels and the tables come behind it. */
const longestRow = 1024;
const sumsSize = 64;
const sumCount = 4;
const endCount = 4;
/** Columns of where each record begins, its length and where it ends, then pairs of addresses. */
const columnWords = longestRow + 2;
const rowSize = columnWords * 3 * 4 + longestRow * 8;
const runWidth = 5;
const runsSize = (longestRow + 2) * runWidth * 4;
/** What comes before each record, and a bit for each. */
const comparedSize = (longestRow + 1) * 16 + (longestRow / 64 + 1) * 8;
const knownPairsSize = 1024 * 16;
/** What is counted of nobody stands in front of the first label, where nobody reads it. */
const nobodySize = LabelCounters.sizeOf(1);
const startsAt = sumsSize;
const endsAt = startsAt + 2 * columnWords * 4;
const runsAt = startsAt + rowSize;
const countersAt = runsAt + runsSize + comparedSize + knownPairsSize + nobodySize;
/** Words of a table: mask, multiplier, shift, last, and where its slots begin. */
const tableWidth = 5;

/** Size of the region that the walk of a classifier needs, bytes. */
export function plainWalkSize(labels: number, { plain4 }: LabelLookup): number {
  const tables = plain4.reduce(
    (sum, { table }) => sum + tableWidth * 4 + table.slots.byteLength,
    0,
  );
  return countersAt + LabelCounters.sizeOf(labels) + tables;
}

/** Where a classifier's counters are to be, so that its walk can count. */
export function countersOf(
  arena: Arena,
  { start }: Region,
): { buffer: ArrayBufferLike; at: number } {
  return { buffer: arena.bytes.buffer, at: start + countersAt };
}

/** No clock: timestamps stay as they are. */
const stays = { ticks: 0, offset: 0, perSecond: 0 } as const;

export interface PlainWalkOptions {
  readonly arena: Arena;
  /** Of `plainWalkSize`. */
  readonly region: Region;
  /** Of labels without ports. */
  readonly lookup: LabelLookup;
  readonly counters: LabelCounters;
  readonly labels: number;
  /** The output of packets of no label, or `nobody`. */
  readonly others: number;
  /** Which way a packet goes matters: a conversation ends where that changes. */
  readonly oneWay: boolean;
}

export class PlainWalk implements RunAppender {
  readonly runWidth = runWidth;
  /** Runs that were found, one behind the other. */
  readonly list: Int32Array;
  readonly #module: PlainWalkModule;
  readonly #buffer: ArrayBufferLike;
  readonly #counters: LabelCounters;
  readonly #outputs: number;
  readonly #oneWay: boolean;
  /** Packets and bytes, of labels and of nobody, that were not added to the counters yet. */
  readonly #sums: Float64Array;
  /** Where the walk has ended: last record, next record, first run that is left, end of the runs. */
  readonly #ends: Int32Array;
  /** Of the records that were read last, where each begins and ends. */
  readonly #recordStarts: Int32Array;
  readonly #recordEnds: Int32Array;
  #appends = false;
  #converts = false;
  /** Of what was taken last: where the last record begins, and where the next one would. */
  last = 0;
  end = 0;

  /** `null` where there is no WebAssembly for such an arena: then packets are taken one by one. */
  static of(options: PlainWalkOptions): PlainWalk | null {
    const module = loadWalk('plain-walk', options.arena) as PlainWalkModule | null;
    return module === null ? null : new PlainWalk(options, module);
  }

  private constructor(options: PlainWalkOptions, module: PlainWalkModule) {
    const { lookup, counters, labels, region, others, oneWay } = options;
    const { start } = region;
    const { buffer } = options.arena.bytes;
    this.#module = module;
    this.#buffer = buffer;
    this.#counters = counters;
    this.#outputs = Math.max(labels, others + 1);
    this.#oneWay = oneWay;
    this.#sums = new Float64Array(buffer, start, sumCount);
    this.#ends = new Int32Array(buffer, start + this.#sums.byteLength, endCount);
    this.#recordStarts = new Int32Array(buffer, start + startsAt, columnWords);
    this.#recordEnds = new Int32Array(buffer, start + endsAt, columnWords);
    this.list = new Int32Array(buffer, start + runsAt, runsSize / 4);
    const countersStart = start + countersAt;
    const tables = countersStart + LabelCounters.sizeOf(labels);
    putTables(buffer, tables, lookup.plain4);
    const tableCount = lookup.plain4.length;
    const end = module.place(start, countersStart, tables, tableCount, Number(oneWay), others);
    if (end + nobodySize === countersStart) return;
    throw new LbcapError(
      'INVARIANT',
      `the walk has laid out ${end - start} bytes, not ${countersAt - nobodySize}`,
      'this is a fault in lbcap, please report it',
    );
  }

  /** Whether it can read records of such an index. */
  reaches(starts: Int32Array): boolean {
    return starts.buffer === this.#buffer;
  }

  /** What is read next is of this batch, and goes to this sink. */
  begin({ format, enhanced }: Batch, sink: RunSink): void {
    const { bigEndian, linkType } = format;
    const { offset, mask, value, ip } = (linkLayerOf(linkType) ?? unknownLayer).fastIpv4;
    this.#module.begin(Number(!bigEndian), offset, mask, value, ip);
    this.#aim(sink, sink.listLong ?? false);
    if (enhanced === undefined) return;
    const { interfaceId, longest } = enhanced;
    this.#converts = enhanced.clock !== null;
    const clock = enhanced.clock ?? stays;
    this.#module.beginBlocks(interfaceId, longest, clock.ticks, clock.offset, clock.perSecond);
  }

  aim(sink: RunSink): boolean {
    return this.#aim(sink, false);
  }

  #aim({ cursors = null, row = 0 }: RunSink, listLong: boolean): boolean {
    const isReady =
      cursors !== null && cursors.at >= 0 && !this.#oneWay && row + this.#outputs <= cursors.length;
    const count = isReady ? cursors.length : 0;
    this.#module.aim(isReady ? cursors.at : 0, count, isReady ? row : 0, Number(listLong));
    this.#appends = isReady;
    return isReady;
  }

  appendRuns(first: number, end: number): number {
    return this.#module.appendRuns(first, end);
  }

  /**
   * Takes, counts and hands on records that follow one another at once, from the one at `at` on, up to the
   * first that is something else, or ends beyond `limit`, or fewer.
   * @returns how many, 0 when even the first is something else
   */
  take(at: number, limit: number, runs: Runs): number {
    // What came before goes first.
    if (this.#appends) runs.end();
    return this.#took(this.#module.walk(at, limit), runs, false);
  }

  /** The same for blocks that nobody has walked (`Batch.enhanced`): `at` is a block's start, and so is `end` then. */
  takeBlocks(at: number, limit: number, runs: Runs): number {
    if (this.#appends) runs.end();
    const count = this.#took(this.#module.walkBlocks(at, limit), runs, this.#converts);
    if (count > 0) this.end -= blockLead;
    return count;
  }

  /**
   * The same for records that have an index.
   * @param number of the first
   * @param blocks they are in pcapng blocks
   */
  takeIndexed({ starts, count }: RecordIndex, number: number, blocks: boolean, runs: Runs): number {
    if (this.#appends) runs.end();
    const first = starts.byteOffset + number * starts.BYTES_PER_ELEMENT;
    const lead = blocks ? blockLead : 0;
    const most = count - number;
    const taken = this.#module.walkIndexed(first, most, Number(blocks), lead, Number(!blocks));
    return this.#took(taken, runs, !blocks);
  }

  /** @param apart as the module has it */
  #took(count: number, runs: Runs, apart: boolean): number {
    if (count === 0) return 0;
    const [last, next, firstRun, endOfRuns] = this.#ends;
    this.last = last;
    this.end = next;
    this.#addSums();
    for (let run = firstRun; run < endOfRuns;) {
      if (!apart) this.#addAll(run++, runs);
      else if (this.#addFirst(run, runs)) run++;
      if (!this.#appends) continue;
      // It has made room.
      runs.end();
      run = this.#module.appendRuns(run, endOfRuns);
    }
    return count;
  }

  #addAll(run: number, runs: Runs): void {
    const { list } = this;
    const at = run * runWidth;
    runs.add(list[at], list[at + 1], list[at + 2], list[at + 3], list[at + 4]);
  }

  /** Of records that are apart, only the first. @returns whether it was the last, too */
  #addFirst(run: number, runs: Runs): boolean {
    const { list } = this;
    const at = run * runWidth;
    const starts = this.#recordStarts;
    const record = (list[at + 2] - starts.byteOffset) / starts.BYTES_PER_ELEMENT;
    runs.add(list[at], list[at + 1], starts[record], this.#recordEnds[record], 1);
    list[at + 2] += starts.BYTES_PER_ELEMENT;
    return list[at + 2] === list[at + 3];
  }

  #addSums(): void {
    const sums = this.#sums;
    const [labelledPackets, labelledBytes, othersPackets, othersBytes] = sums;
    sums.fill(0);
    const { totals } = this.#counters;
    totals[totalOf.packets] += labelledPackets + othersPackets;
    totals[totalOf.bytes] += labelledBytes + othersBytes;
    totals[totalOf.labelledPackets] += labelledPackets;
    totals[totalOf.labelledBytes] += labelledBytes;
    totals[totalOf.othersPackets] += othersPackets;
    totals[totalOf.othersBytes] += othersBytes;
  }
}

/** Copies tables to `at`, where the module looks for them: their words first, then all their slots. */
function putTables(buffer: ArrayBufferLike, at: number, tables: readonly AddressTable[]): void {
  const words = new Int32Array(buffer, at, tables.length * tableWidth);
  let next = at + words.byteLength;
  for (const [i, { mask, table }] of tables.entries()) {
    const { slots, multiplier, shift, last } = table;
    words.set([mask, multiplier, shift, last, next], i * tableWidth);
    new Int32Array(buffer, next, slots.length).set(slots);
    next += slots.byteLength;
  }
}
