/** Captures that do not overlap in time, one behind the other: what is open at once stays small. */
import { LbcapError } from '../errors.js';
import type { Arena, Region } from '../packet/arena.js';
import type { Batch, BatchFormat } from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import { openFileInput } from '../sources/file-input.js';
import { openCapture } from '../sources/open.js';
import type { Source } from '../sources/source.js';
import type { Survey } from './survey.js';

/** More captures of the same time are not read at once: each takes memory. */
const mostLanes = 256;

/** Microseconds since 1970: the unit in which packets of two files are held to be of one time. */
const microseconds = (time: bigint): bigint => time / 1000n;

/**
 * Sorts captures into as few lanes as can be: in each, every one ends before the next begins. A rotated
 * capture is one lane, whatever its files are called; those without packets are in none.
 * @throws USAGE when too many are of the same time
 */
export function lanesOf(surveys: readonly Survey[]): Survey[][] {
  const timed = surveys.flatMap((survey) => {
    const { first, last } = survey;
    return first === null || last === null ? [] : [{ survey, first, last }];
  });
  // Files of one time stay in the order in which they were given.
  timed.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const lanes: { files: Survey[]; last: bigint }[] = [];
  for (const { survey, first, last } of timed) {
    const lane = lanes.find((one) => microseconds(one.last) < microseconds(first));
    if (lane === undefined) lanes.push({ files: [survey], last });
    else {
      lane.files.push(survey);
      lane.last = last;
    }
  }
  if (lanes.length > mostLanes) {
    throw new LbcapError(
      'USAGE',
      `${lanes.length} captures are of the same time, and ${mostLanes} is the most that a report takes`,
      'name some of the files instead of the directory',
    );
  }
  return lanes.map(({ files }) => files);
}

/** Opens each file when the one before has ended. Damage was told by the survey: it only ends a file. */
export class LaneSource implements Source {
  readonly name: string;
  readonly format: BatchFormat;
  readonly snaplen = 0;
  readonly size = null;
  readonly #files: readonly Survey[];
  readonly #arena: Arena;
  readonly #regions: readonly Region[];
  #next = 0;
  #source: Source | null = null;
  #before = 0;
  #stopped = false;

  /** @param files at least one; @param regions `fileRegionSizes`, or the smaller ones */
  constructor(files: readonly Survey[], arena: Arena, regions: readonly Region[]) {
    const [first] = files;
    this.name = first.name;
    this.#files = files;
    this.#arena = arena;
    this.#regions = regions;
    this.format = {
      linkType: first.linkTypes[0],
      bigEndian: first.bigEndian,
      nanoseconds: files.some(({ nanoseconds }) => nanoseconds),
    };
  }

  get position(): number {
    return this.#before + (this.#source?.position ?? 0);
  }

  async next(): Promise<Batch | null> {
    while (!this.#stopped) {
      if (this.#source === null && !(await this.#open())) return null;
      try {
        const batch = (await this.#source?.next()) ?? null;
        if (batch !== null) return batch;
      } catch (error) {
        if (!(error instanceof LbcapError) || error.code !== 'INPUT_DAMAGED') throw error;
      }
      this.#before = this.position;
      this.#source?.stop();
      await this.close();
    }
    return null;
  }

  stop(): void {
    this.#stopped = true;
    this.#source?.stop();
  }

  counters(): SourceCounters {
    return nothingKnown;
  }

  async close(): Promise<void> {
    await this.#source?.close();
    this.#source = null;
  }

  async #open(): Promise<boolean> {
    if (this.#next === this.#files.length) return false;
    const { path } = this.#files[this.#next++];
    const input = await openFileInput(path);
    this.#source = await openCapture(input, this.#arena, this.#regions, {
      nanoseconds: this.format.nanoseconds,
    });
    return true;
  }
}
