/** What `watch` and `split` have in common once their source is open: run it, tell of it, end it. */
import { performance } from 'node:perf_hooks';
import { Classifier } from '../classify.js';
import { fileHeader } from '../formats/pcap.js';
import type { Label } from '../labels/label.js';
import { compileLookup } from '../labels/lookup.js';
import type { Arena, Region } from '../packet/arena.js';
import type { BatchFormat } from '../packet/batch.js';
import { runPipeline } from '../pipeline.js';
import { FlowTable } from '../sinks/flows.js';
import { LabelFiles } from '../sinks/label-files.js';
import type { Snapshot } from '../sinks/snapshot.js';
import { takeSnapshot } from '../sinks/statistics.js';
import type { Source } from '../sources/source.js';
import { plainLine } from '../terminal/plain-line.js';
import { type AnnouncedLabel, endEvent, sampleEvent, startEvent } from '../terminal/events.js';
import { bpfFilter } from '../filters/bpf.js';
import { displayFilter } from '../filters/wireshark.js';
import { jsonLines } from './json-lines.js';
import type { OutputPlan } from './output-plan.js';
import { onSignals } from './signals.js';
import { announcement, conclusion, unknownLinkTypes } from './summary.js';

/** What people see while it runs; `watch` shows a table, `split` a progress bar. */
export interface View {
  update(snapshot: Snapshot, source: Source): void;
  /** A line for the person at the terminal. */
  notice(line: string): void;
  finish(snapshot: Snapshot): void;
}

export interface CaptureJob {
  readonly labels: readonly Label[];
  readonly source: Source;
  /** For `--json`: libpcap, cap, or file. */
  readonly engine: string;
  readonly arena: Arena;
  readonly slots: readonly Region[];
  /** `null` writes no files. */
  readonly plan: OutputPlan | null;
  readonly force: boolean;
  /** Timestamps in nanoseconds whatever the source has. */
  readonly nanoseconds: boolean;
  readonly json: boolean;
  readonly strict: boolean;
  /** Packets come as they happen: flush each second, sample, follow connections. */
  readonly live: boolean;
  readonly view: View;
  readonly packetLimit?: number | undefined;
  readonly byteLimit?: number | undefined;
  /** Milliseconds. */
  readonly duration: number | null;
  /** The first line for people, without the program's name. */
  readonly opening: string;
}

const flushEvery = 1000;
const sampleEvery = 1000;

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** @returns the exit status. @throws LbcapError before anything was captured */
export async function runCapture(job: CaptureJob): Promise<number> {
  const { labels, source, arena, plan } = job;
  // Before the first file is made: from then on no signal may end lbcap without its last packets.
  let status = () => '';
  const forgetSignals = onSignals({
    stop: () => {
      source.stop();
    },
    status: () => {
      job.view.notice(status());
    },
  });
  let prepared;
  try {
    prepared = prepare(job);
  } catch (error) {
    forgetSignals();
    await source.close();
    throw error;
  }
  const { classifier, flows, files, outputFormat } = prepared;

  const announced = announce(labels, plan);
  const othersFile = plan?.othersPath ?? null;
  const json = job.json
    ? jsonLines(process.stdout, () => {
        source.stop();
      })
    : null;
  tell(`lbcap: ${job.opening}`);
  if (job.strict && source.counters().kernelDropped === null) {
    tell(`lbcap: --strict: ${source.name} does not say whether packets were lost before`);
  }
  for (const line of announcement(announced, othersFile)) tell(line);
  json?.write(
    startEvent(
      source.name,
      job.engine,
      new Date(),
      announced,
      othersFile === null ? null : { file: othersFile },
    ),
  );

  const startedAt = performance.now();
  const snapshot = () =>
    takeSnapshot(
      labels,
      classifier,
      flows,
      source.counters(),
      performance.now(),
      startedAt,
      // A SYN stays unanswered while no packet comes to tell the time.
      source.size === null ? Date.now() / 1000 : undefined,
    );
  status = () => plainLine(snapshot(), null);
  const sampler = setInterval(() => {
    const now = snapshot();
    job.view.update(now, source);
    if (job.live) json?.writeIfTaken(sampleEvent(now, new Date()));
  }, sampleEvery);
  const timer =
    job.duration === null
      ? null
      : setTimeout(() => {
          source.stop();
        }, job.duration);
  let result;
  try {
    result = await runPipeline({
      source,
      classifier,
      arena,
      files,
      outputFormat,
      flushEvery: job.live ? flushEvery : null,
    });
  } finally {
    clearInterval(sampler);
    if (timer !== null) clearTimeout(timer);
    forgetSignals();
  }

  const last = snapshot();
  job.view.finish(last);
  for (const line of conclusion(last, announced, othersFile, result.files)) tell(line);
  for (const line of unknownLinkTypes(classifier.unknown)) tell(line);
  const error = result.error ?? json?.error ?? null;
  json?.write(
    endEvent(
      last,
      new Date(),
      announced,
      new Map(result.files.map((file) => [file.path, file])),
      othersFile,
      error === null ? null : { code: error.code, message: error.message },
    ),
  );
  await json?.flushed();
  const failure = error ?? json?.error ?? null;
  if (failure !== null) throw failure;
  return job.strict && lost(last) > 0 ? strictFailure(last) : 0;
}

function prepare(job: CaptureJob) {
  const { labels, source, arena, plan } = job;
  const flows = job.live ? new FlowTable({ view: arena.view, labels: labels.length }) : null;
  const outputFormat: BatchFormat = {
    ...source.format,
    nanoseconds: job.nanoseconds || source.format.nanoseconds,
  };
  const header =
    source.fileHeader !== undefined && outputFormat.nanoseconds === source.format.nanoseconds
      ? // As it was, so that a label that takes everything gives the very same file.
        source.fileHeader
      : fileHeader(outputFormat, source.snaplen);
  const slotSize = job.slots[0]?.size ?? 0;
  return {
    flows,
    outputFormat,
    classifier: new Classifier({
      arena,
      lookup: compileLookup(labels),
      labels: labels.length,
      keepOthers: (plan?.othersPath ?? null) !== null,
      maximumRun: slotSize / 4,
      observer: flows ?? undefined,
      packetLimit: job.packetLimit,
      byteLimit: job.byteLimit,
    }),
    files:
      plan === null
        ? null
        : new LabelFiles({
            arena,
            slots: job.slots,
            directory: plan.directory,
            names: plan.names,
            fileHeader: header,
            force: job.force,
          }),
  };
}

function announce(labels: readonly Label[], plan: OutputPlan | null): AnnouncedLabel[] {
  return labels.map((label, index) => ({
    name: label.name,
    address: label.text,
    filters: { bpf: bpfFilter([label]), wireshark: displayFilter([label]) },
    file: plan?.paths[index] ?? null,
  }));
}

/** Packets that are known to be lost. */
function lost({ counters }: Snapshot): number {
  return (counters.kernelDropped ?? 0) + (counters.interfaceDropped ?? 0);
}

function strictFailure(snapshot: Snapshot): 3 {
  tell(`lbcap: ${lost(snapshot)} packets were lost: give a larger --buffer, or capture less`);
  return 3;
}
