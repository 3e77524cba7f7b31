/** Drives a source through the classifier into the sinks, and closes them in the right order. */
import type { Classifier } from './classify.js';
import { LbcapError, messageOf } from './errors.js';
import type { Arena } from './packet/arena.js';
import { type Batch, type BatchFormat, convertRecords } from './packet/batch.js';
import { Periods } from './packet/periods.js';
import type { RunSink } from './runs.js';
import type { Output, WrittenFile } from './sinks/output.js';
import type { Source } from './sources/source.js';

export interface PipelineOptions {
  readonly source: Source;
  readonly classifier: Classifier;
  readonly arena: Arena;
  /** `null` only watches. */
  readonly output: Output | null;
  /** Byte order and timestamp unit that the records leave in; `null`: those they came in. */
  readonly outputFormat: BatchFormat | null;
  /** Milliseconds between flushes, for live input; `null` where only the end matters. */
  readonly flushEvery: number | null;
  /** Told after each flush: what came before is counted. */
  readonly onFlush?: (() => void) | undefined;
  /** Milliseconds between new files, on this machine's clock or the packets' own. */
  readonly rotateEvery?:
    { readonly time: number; readonly clock: 'machine' | 'packets' } | undefined;
  /** Told of each batch when it has been worked on. */
  readonly onBatch?: ((batch: Batch) => void) | undefined;
}

export interface PipelineResult {
  readonly files: readonly WrittenFile[];
  /** What ended it early. Everything before is counted, written and closed all the same. */
  readonly error: LbcapError | null;
}

const nowhere: RunSink = { append: () => undefined };

/**
 * Runs until the source ends, a limit of the classifier is reached, or something fails. Never
 * rejects for what it foresees: the result says what went wrong, beside the files that are there.
 * @throws INVARIANT when packets in are not packets labelled plus others
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineResult> {
  const { source, classifier, arena, output, outputFormat } = options;
  let error: LbcapError | null = null;
  const stopTimers = startTimers(options);
  const periods =
    options.rotateEvery?.clock === 'packets' ? new Periods(options.rotateEvery.time / 1000) : null;
  try {
    const sink = output ?? nowhere;
    const waiting = options.flushEvery === null && output !== null ? new Waiting(output) : null;
    const walker = { takesBlocks: classifier.takesBlocks, format: outputFormat };
    for (;;) {
      const coming =
        periods === null ? (source.nextUnchecked?.(walker) ?? source.next()) : source.next();
      const batch = await (waiting?.until(coming) ?? coming);
      if (batch === null) break;
      const converted =
        outputFormat === null ? batch : convertRecords(arena.view, batch, outputFormat);
      let walked = converted.start;
      if (periods === null) {
        walked = classifier.classify(converted, sink);
      } else {
        for (const piece of periods.pieces(arena.view, converted)) {
          if (piece.isNew) output?.rotate();
          walked = classifier.classify(piece.batch, sink);
        }
      }
      options.onBatch?.(converted);
      const settling = output?.settle() ?? null;
      if (settling !== null) await settling;
      if (classifier.finished || (output !== null && isOver(output))) break;
      if (batch.unchecked) source.walked?.(walked);
    }
  } catch (thrown) {
    error = asLbcapError(thrown);
  } finally {
    stopTimers();
  }
  source.stop();
  const files = output === null ? [] : await output.close();
  try {
    await source.close();
  } catch (thrown) {
    error ??= asLbcapError(thrown);
  }
  classifier.assertConservation();
  if (output !== null) assertWritten(classifier, output, error);
  // A file that could not be written explains more than what came after it.
  return { files, error: output?.error ?? error };
}

/**
 * Waits for batches of files. Where this thread is idle for a good part of the time, others have more to do than
 * it has, and it takes some of their writes.
 */
class Waiting {
  readonly #output: Output;
  /** Milliseconds of late, all and those without work of its own. */
  #all = 0;
  #idle = 0;
  #since = performance.eventLoopUtilization();

  constructor(output: Output) {
    this.#output = output;
  }

  async until<T>(coming: Promise<T>): Promise<T> {
    const before = performance.now();
    const isHelping = this.#idle > this.#all / 4;
    if (isHelping) await this.#help(coming);
    const helped = isHelping ? performance.now() - before : 0;
    const come = await coming;
    const now = performance.eventLoopUtilization();
    const idle = now.idle - this.#since.idle;
    this.#all = 0.9 * this.#all + now.active - this.#since.active + idle;
    this.#idle = 0.9 * this.#idle + idle + helped;
    this.#since = now;
    return come;
  }

  async #help(coming: Promise<unknown>): Promise<void> {
    let isThere = false;
    const arrive = () => {
      isThere = true;
    };
    coming.then(arrive, arrive);
    // What has come meanwhile is only heard of between two turns of the event loop.
    do await new Promise((resolve) => setImmediate(resolve));
    while (!isThere && this.#output.writeWaiting?.() === true);
  }
}

/** @returns ends them */
function startTimers(options: PipelineOptions): () => void {
  const { flushEvery, onFlush, output, rotateEvery, source } = options;
  const timers: NodeJS.Timeout[] = [];
  let ended = false;
  const every = (milliseconds: number, work: () => void) => {
    const then = () => {
      if (ended) return;
      work();
      // A quiet capture would otherwise hear of a failed write only with its next packet.
      if (output !== null && isOver(output)) source.stop();
    };
    timers.push(
      setInterval(() => {
        source.hurry?.();
        // When what has come is worked on.
        setImmediate(then);
      }, milliseconds),
    );
  };
  if (flushEvery !== null) {
    every(flushEvery, () => {
      output?.flush();
      onFlush?.();
    });
  }
  if (output !== null && rotateEvery?.clock === 'machine') {
    every(rotateEvery.time, () => {
      output.rotate();
    });
  }
  return () => {
    ended = true;
    for (const timer of timers) clearInterval(timer);
  };
}

/** @throws INVARIANT when what was written is not what was counted */
function assertWritten(classifier: Classifier, output: Output, error: LbcapError | null): void {
  const { packets } = output;
  if (error !== null || isOver(output) || packets === classifier.handedOn) return;
  throw new LbcapError(
    'INVARIANT',
    `${classifier.handedOn} packets were to be written, but ${packets} were`,
    'this is a fault in lbcap, please report it',
  );
}

/** Nothing more can be written, or is wanted. */
function isOver(output: Output): boolean {
  return output.error !== null || output.unwanted;
}

function asLbcapError(thrown: unknown): LbcapError {
  if (thrown instanceof LbcapError) return thrown;
  return new LbcapError('CAPTURE_FAILED', messageOf(thrown), undefined, { cause: thrown });
}
