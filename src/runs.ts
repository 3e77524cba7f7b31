/** Runs: neighbouring records of one output, handed to a sink as one range of bytes. */
import type { Cursors } from './packet/cursors.js';
import type { Batch } from './packet/batch.js';

/** Which way packets go, seen from a label: the values of pcapng's direction bits. */
export const directions = { unknown: 0, inbound: 1, outbound: 2 } as const;
export type Direction = (typeof directions)[keyof typeof directions];

/** Takes runs of whole records, or of whole blocks. */
export interface RunSink {
  /**
   * Whoever has a run may append it himself, by copying it to where the output's next records go, as long as
   * there is room. Of the link type at hand, the first output's is `row`.
   */
  readonly cursors?: Cursors | null;
  readonly row?: number;
  /** Whoever appends may list runs of long packets instead (`Cursors.list`): they need not be copied. */
  readonly listLong?: boolean;
  /** What follows is of this batch: its preamble comes before it. */
  begin?(batch: Batch): void;
  /**
   * @param output a label's index, or `others`
   * @param packets how many the run holds
   * @param direction of all of them; `unknown` unless runs are cut by it (`directed`)
   */
  append(output: number, start: number, end: number, packets: number, direction: Direction): void;
}

/** Copies many runs at once to where a sink's next records go: `PlainWalk`. */
export interface RunAppender {
  /** For runs that wait: `runWidth` words for each. */
  readonly list: Int32Array;
  readonly runWidth: number;
  /** From now on the runs are for this sink. False when it has to be told of each. */
  aim(sink: RunSink): boolean;
  /**
   * Appends runs of the list, from number `first` to before `end`, as far as there is room.
   * @returns the first that there is no room for, or `end`
   */
  appendRuns(first: number, end: number): number;
}

export interface RunOptions {
  /** Output of packets of no label; `nobody` leaves them out. */
  readonly others: number;
  /** A run is cut here, bytes: what a sink can always take at once. */
  readonly maximum: number;
  /** Cut runs where the direction changes, and say it. Of a label to itself it is not known. */
  readonly directed: boolean;
  /** Hand a packet between two labels to its source's output only. */
  readonly once: boolean;
  /** Which way a packet goes is of no interest to it. */
  readonly appender?: RunAppender | null;
}

/** No label, no output. */
export const nobody = -1;

/** Joins records as they come. A run goes to one or two outputs. */
export class Runs {
  readonly #others: number;
  readonly #maximum: number;
  readonly #directed: boolean;
  readonly #once: boolean;
  #sink: RunSink | null = null;
  #start = 0;
  #end = 0;
  #first: number = nobody;
  #second: number = nobody;
  #packets = 0;
  #direction: Direction = directions.unknown;
  readonly #appender: RunAppender | null;
  /** How many wait in the appender's list; -1 where the sink is told of each. */
  #listed = -1;

  constructor({ others, maximum, directed, once, appender = null }: RunOptions) {
    this.#appender = directed ? null : appender;
    this.#others = others;
    this.#maximum = maximum;
    this.#directed = directed;
    this.#once = once;
  }

  /** @param listing runs may wait until `end`, and be appended then */
  begin(sink: RunSink, listing: boolean): void {
    this.#sink = sink;
    this.#first = nobody;
    this.#listed = listing && this.#appender?.aim(sink) === true ? 0 : -1;
  }

  /**
   * @param from label of the source, or `nobody`
   * @param to label of the destination, or `nobody`
   * @param start where the first of `packets` records or blocks begins
   */
  add(from: number, to: number, start: number, end: number, packets: number): void {
    let first = from;
    let second: number = nobody;
    if (from < 0) first = to < 0 ? this.#others : to;
    else if (to >= 0 && to !== from && !this.#once) {
      // One order for both directions, so that a dialogue of two labels is one run.
      first = from < to ? from : to;
      second = from < to ? to : from;
    }
    // As the first output sees it; for the second it is the other one.
    const direction =
      !this.#directed || from === to
        ? directions.unknown
        : first === from
          ? directions.outbound
          : directions.inbound;
    if (
      first === this.#first &&
      start === this.#end &&
      second === this.#second &&
      direction === this.#direction &&
      end - this.#start <= this.#maximum
    ) {
      this.#end = end;
      this.#packets += packets;
      return;
    }
    this.#handOn();
    this.#first = first;
    this.#second = second;
    this.#start = start;
    this.#end = end;
    this.#packets = packets;
    this.#direction = direction;
  }

  /** Hands over what is left. */
  end(): void {
    this.#handOn();
    if (this.#listed > 0) this.#appendListed();
  }

  #handOn(): void {
    const first = this.#first;
    if (first < 0) return;
    this.#first = nobody;
    const second = this.#second;
    const appender = this.#appender;
    if (appender !== null && this.#listed >= 0) {
      const { list, runWidth } = appender;
      const at = this.#listed * runWidth;
      list[at] = first;
      list[at + 1] = second;
      list[at + 2] = this.#start;
      list[at + 3] = this.#end;
      list[at + 4] = this.#packets;
      this.#listed++;
      if (at + 2 * runWidth > list.length) this.#appendListed();
      return;
    }
    const direction = this.#direction;
    this.#sink?.append(first, this.#start, this.#end, this.#packets, direction);
    if (second < 0) return;
    this.#sink?.append(second, this.#start, this.#end, this.#packets, opposite(direction));
  }

  #appendListed(): void {
    const appender = this.#appender;
    if (appender === null) return;
    const { list, runWidth } = appender;
    const end = this.#listed;
    this.#listed = 0;
    for (let run = appender.appendRuns(0, end); run < end;) {
      const at = run * runWidth;
      const [first, second, start, stop, packets] = list.subarray(at, at + runWidth);
      this.#sink?.append(first, start, stop, packets, directions.unknown);
      if (second >= 0) this.#sink?.append(second, start, stop, packets, directions.unknown);
      // It has made room.
      run = appender.appendRuns(run + 1, end);
    }
  }
}

/** What is outbound for one end is inbound for the other. */
function opposite(direction: Direction): Direction {
  if (direction === directions.unknown) return direction;
  return direction === directions.inbound ? directions.outbound : directions.inbound;
}
