/** Drives a source through the classifier into the sinks, and closes them in the right order. */
import type { Classifier } from './classify.js';
import { LbcapError, messageOf } from './errors.js';
import type { Arena } from './packet/arena.js';
import { type BatchFormat, convertRecords } from './packet/batch.js';
import type { RunSink } from './runs.js';
import type { LabelFiles, WrittenFile } from './sinks/label-files.js';
import type { Source } from './sources/source.js';

export interface PipelineOptions {
  readonly source: Source;
  readonly classifier: Classifier;
  readonly arena: Arena;
  /** `null` only watches. */
  readonly files: LabelFiles | null;
  /** Byte order and timestamp unit that the records leave in. */
  readonly outputFormat: BatchFormat;
  /** Milliseconds between flushes, for live input; `null` where only the end matters. */
  readonly flushEvery: number | null;
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
  const { source, classifier, arena, files } = options;
  let error: LbcapError | null = null;
  const timer =
    options.flushEvery === null || files === null
      ? null
      : setInterval(() => {
          files.flush();
          // A quiet capture would otherwise hear of a failed write only with its next packet.
          if (files.error !== null) source.stop();
        }, options.flushEvery);
  try {
    const sink = files ?? nowhere;
    for (;;) {
      const batch = await (source.nextUnchecked?.() ?? source.next());
      if (batch === null) break;
      const converted = convertRecords(arena.view, batch, options.outputFormat);
      const walked = classifier.classify(converted, sink);
      if (files !== null && files.error !== null) break;
      if (classifier.finished) break;
      if (batch.unchecked) source.walked?.(walked);
    }
  } catch (thrown) {
    error = asLbcapError(thrown);
  } finally {
    if (timer !== null) clearInterval(timer);
  }
  source.stop();
  const written = files === null ? [] : await files.close();
  try {
    await source.close();
  } catch (thrown) {
    error ??= asLbcapError(thrown);
  }
  classifier.assertConservation();
  // A file that could not be written explains more than what came after it.
  return { files: written, error: files?.error ?? error };
}

function asLbcapError(thrown: unknown): LbcapError {
  if (thrown instanceof LbcapError) return thrown;
  return new LbcapError('CAPTURE_FAILED', messageOf(thrown), undefined, { cause: thrown });
}
