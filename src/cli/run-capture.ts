/** What `watch` and `split` have in common once their source is open: run it, tell of it, end it. */
import { performance } from 'node:perf_hooks';
import { Classifier } from '../classify.js';
import { namesOf } from '../labels/label-columns.js';
import type { Label } from '../labels/label.js';
import type { LabelLookup } from '../labels/lookup.js';
import { watchPorts } from '../loopback/port-watch.js';
import type { Arena, Region } from '../packet/arena.js';
import type { BatchFormat } from '../packet/batch.js';
import { runPipeline, type PipelineOptions } from '../pipeline.js';
import { itemAt, type Sequence } from '../sequence.js';
import { FlowTable } from '../sinks/flows.js';
import type { WrittenFile } from '../sinks/output.js';
import type { Snapshot } from '../sinks/snapshot.js';
import { takeSnapshot } from '../sinks/statistics.js';
import type { Source } from '../sources/source.js';
import { portNote } from '../terminal/notes.js';
import { plainLine } from '../terminal/plain-line.js';
import { endEvent, fileEvent, sampleEvent, startEvent } from '../terminal/events.js';
import { announce } from './announced-labels.js';
import { jsonLines } from './json-lines.js';
import { longestRun, openOutput } from './open-output.js';
import type { OutputPlan } from './output-plan.js';
import { PacketClock } from './packet-clock.js';
import { rehearse } from './rehearsal.js';
import { onSignals } from './signals.js';
import { announcement, conclusion, damageLine, finishedFile, unknownLinkTypes } from './summary.js';

/** What people see while it runs; `watch` shows a table, `split` a progress bar. */
export interface View {
  update(snapshot: () => Snapshot): void;
  /** A line for the person at the terminal. */
  notice(line: string): void;
  finish(snapshot: Snapshot): void;
}

export interface CaptureJob {
  readonly labels: Sequence<Label>;
  readonly source: Source;
  /** For `--json`: libpcap, dumpcap, cap, or file. */
  readonly engine: string;
  readonly arena: Arena;
  /** For the output, as `outputRegionSizes` asked for them. */
  readonly regions: readonly Region[];
  readonly lookup: LabelLookup;
  /** For the classifier, of `plainWalkSize`; without it packets are taken one by one. */
  readonly walkRegion?: Region;
  /** For files, as `LabelFiles` has it. */
  readonly cursorRegion?: Region;
  /** `null` only watches. */
  readonly plan: OutputPlan | null;
  /** Timestamps in nanoseconds whatever the source has. */
  readonly nanoseconds: boolean;
  readonly json: boolean;
  readonly strict: boolean;
  /** Packets come as they happen: flush each second, sample, follow connections. */
  readonly live: boolean;
  /** The labels are of this machine: say when their ports run out. */
  readonly watchPorts: boolean;
  readonly view: View;
  readonly packetLimit?: number | undefined;
  readonly byteLimit?: number | undefined;
  /** Milliseconds. */
  readonly duration: number | null;
  /** The user's own capture filter, of a live capture. */
  readonly filter: string | null;
  /** The first line for people, without the program's name. */
  readonly opening: string;
}

/** Of samples, and of flushes where there are any. */
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
  const json = job.json
    ? jsonLines(process.stdout, () => {
        source.stop();
      })
    : null;
  const names = plan?.names ?? namesOf(labels);
  let prepared;
  try {
    prepared = await prepare(job, (file) => {
      if (json !== null) json.write(fileEvent(itemAt(names, file.output), file, new Date()));
      else job.view.notice(`lbcap: ${finishedFile(file)}`);
    });
  } catch (error) {
    forgetSignals();
    await source.close();
    throw error;
  }
  const { classifier, flows, output, outputFormat } = prepared;

  const announced = announce(labels, plan);
  const othersFile = plan?.othersPath ?? null;
  tell(`lbcap: ${job.opening}`);
  if (job.strict && source.countsAtEnd !== true && source.counters().kernelDropped === null) {
    tell(`lbcap: --strict: ${source.name} does not say whether packets were lost before`);
  }
  for (const line of announcement(announced, othersFile, plan?.options ?? null)) tell(line);
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
  // What is read from a file was not captured at the speed at which it is read.
  const clock = job.live && source.size !== null ? new PacketClock(arena, classifier) : null;
  const portWatch = job.watchPorts
    ? watchPorts([...labels], (limit) => {
        job.view.notice(`lbcap: ${portNote(limit)}: see lbcap ports`);
      })
    : null;
  const snapshot = (): Snapshot => ({
    ...takeSnapshot(
      labels,
      classifier,
      flows,
      source.counters(),
      clock === null ? performance.now() : clock.now,
      clock === null ? startedAt : clock.start,
      // A SYN stays unanswered while no packet comes to tell the time.
      source.size === null ? Date.now() / 1000 : undefined,
    ),
    ...(portWatch === null ? {} : { portsNear: portWatch.near }),
  });
  status = () => plainLine(snapshot(), null);
  const sample = (): void => {
    let taken: Snapshot | null = null;
    const now = () => (taken ??= snapshot());
    job.view.update(now);
    if (job.live) json?.writeIfTaken(sampleEvent(now(), new Date()));
  };
  const sampler = job.live ? null : setInterval(sample, sampleEvery);
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
      output,
      outputFormat,
      // One timer for both: a capture that has little to do should not be woken for each.
      flushEvery: job.live ? sampleEvery : null,
      onFlush: job.live ? sample : undefined,
      rotateEvery: rotateEvery(job),
      onBatch: (batch) => {
        clock?.saw(batch);
      },
    });
  } finally {
    if (sampler !== null) clearInterval(sampler);
    portWatch?.stop();
    if (timer !== null) clearTimeout(timer);
    forgetSignals();
  }

  const last = snapshot();
  job.view.finish(last);
  for (const line of conclusion(last, announced, result.files)) tell(line);
  for (const line of unknownLinkTypes(classifier.unknown)) tell(line);
  const leftOut = source.leftOut ?? { bytes: 0, places: 0 };
  if (leftOut.bytes > 0) tell(damageLine(source.name, leftOut));
  if (output?.unwanted === true) tell('lbcap: the reader of standard output ended first');
  const error = result.error ?? json?.error ?? null;
  json?.write(
    endEvent(
      last,
      new Date(),
      announced,
      result.files,
      leftOut,
      error === null ? null : { code: error.code, message: error.message },
    ),
  );
  await json?.flushed();
  const failure = error ?? json?.error ?? null;
  if (failure !== null) throw failure;
  return job.strict && lost(last) > 0 ? strictFailure(last) : 0;
}

async function prepare(job: CaptureJob, onFinished: (file: WrittenFile) => void) {
  const { labels, source, arena, plan, regions, filter } = job;
  if (job.live) rehearse();
  const flows = job.live ? new FlowTable({ view: arena.view, labels: labels.length }) : null;
  const isPcapng = plan?.options.kind === 'pcapng';
  const pcap: BatchFormat = {
    ...source.format,
    nanoseconds: job.nanoseconds || source.format.nanoseconds,
  };
  const capturing = job.engine !== 'file';
  return {
    flows,
    // Blocks are made of records as they are.
    outputFormat: isPcapng ? null : pcap,
    classifier: new Classifier({
      arena,
      region: job.walkRegion,
      lookup: job.lookup,
      labels: labels.length,
      keepOthers: plan?.options.others === true,
      maximumRun: longestRun(regions),
      observer: flows ?? undefined,
      packetLimit: job.packetLimit,
      byteLimit: job.byteLimit,
      // What is copied says itself which way it went.
      directed: isPcapng && source.format.blocks === undefined,
      once: plan?.options.stream === true,
    }),
    output:
      plan === null
        ? null
        : await openOutput(
            plan,
            {
              labels,
              source,
              arena,
              regions,
              capturing,
              live: job.live,
              filter,
              onFinished,
              cursorRegion: job.cursorRegion,
            },
            pcap,
          ),
  };
}

/** Packets that come as they happen are parted by the clock on the wall, others by their own. */
function rotateEvery({ plan, live, source }: CaptureJob): PipelineOptions['rotateEvery'] {
  const time = plan?.options.rotation?.time ?? null;
  if (time === null) return undefined;
  return { time, clock: live && source.size === null ? 'machine' : 'packets' };
}

/** Packets that are known to be lost. */
function lost({ counters }: Snapshot): number {
  return (counters.kernelDropped ?? 0) + (counters.interfaceDropped ?? 0);
}

function strictFailure(snapshot: Snapshot): 3 {
  tell(`lbcap: ${lost(snapshot)} packets were lost: give a larger --buffer, or capture less`);
  return 3;
}
