/** Makes a report of captures: a first look at each, then one pass over all of them, merged by time. */
import { type as systemName, release } from 'node:os';
import { Classifier } from '../classify.js';
import { LbcapError, messageOf } from '../errors.js';
import type { Label } from '../labels/label.js';
import { compileLookup } from '../labels/lookup.js';
import { parseLabel } from '../labels/parse.js';
import { createArena } from '../packet/arena.js';
import { runPipeline } from '../pipeline.js';
import { MergeSource } from '../sources/merge.js';
import { together } from '../sources/several.js';
import type { Source } from '../sources/source.js';
import { fileRegionSizes, smallRegionSizes } from '../sources/window.js';
import type { CapturePath } from './capture-paths.js';
import { CapturedNames } from './captured-names.js';
import { DistinctSource } from './distinct.js';
import { labelsOf, withoutPorts, type FileLabels } from './file-labels.js';
import { HopTable } from './hop-table.js';
import { LaneSource, lanesOf } from './lanes.js';
import type { Report } from './report.js';
import { describe } from './describe.js';
import { originOf, surveyCapture, type Survey, type Unreadable } from './survey.js';

export interface ReportOptions {
  /** As `findCaptures` gives them. */
  readonly captures: readonly CapturePath[];
  /** Of the command line and the registry. */
  readonly labels: readonly Label[];
  /** Hops that are shown; `Infinity` for as many as are kept. */
  readonly hops: number;
  /** Is told how many bytes were read, of the two times that everything is. */
  readonly onProgress?: (position: number) => void;
}

export interface MadeReport {
  readonly report: Report;
  /** Files whose packets do not say which of two addresses is their label's. */
  readonly undecided: FileLabels['undecided'];
  /** What could not be read, of one file or of several. */
  readonly error: LbcapError | null;
}

/** Hops that are kept to choose from, and at most where all are asked for. */
const leastKept = 4096;
const mostKept = 262_144;

/**
 * @throws USAGE where too many captures are of one time; what is wrong with them when none could be read
 */
export async function makeReport(options: ReportOptions): Promise<MadeReport> {
  const { captures, labels: given, onProgress = () => undefined } = options;
  const names = new CapturedNames(withoutPorts(given));
  const { surveys, unreadable } = await survey(captures, names, onProgress);
  let error: LbcapError | null = null;
  for (const { damage } of surveys) if (damage !== null) error = together(error, damage);
  for (const one of unreadable) error = together(error, one.error);
  if (surveys.length === 0 && error !== null) throw error;

  const found = labelsOf(given, names, surveys);
  // Where nobody has a name, everybody's hops are shown, by address.
  const labels = found.labels.map(({ label }) => label);
  const everybody = [parseLabel('all', ['0.0.0.0/0', '::/0'])];
  let pass = await readAll(surveys, labels.length > 0 ? labels : everybody, options);
  const { packets, labelledPackets } = pass.classifier;
  const isSilent = labels.length > 0 && packets > 0 && labelledPackets === 0;
  if (isSilent) pass = await readAll(surveys, everybody, options);
  const report = describe({
    surveys,
    unreadable,
    labels: isSilent ? [] : found.labels,
    absent: isSilent ? found.labels : [],
    hops: options.hops,
    host: { node: process.version, os: `${systemName()} ${release()}` },
    ...pass,
  });
  return { report, undecided: found.undecided, error };
}

/** The one pass. */
async function readAll(
  surveys: readonly Survey[],
  labels: readonly Label[],
  { hops, onProgress = () => undefined }: ReportOptions,
): Promise<{ classifier: Classifier; table: HopTable; repeated: number; isUnsure: boolean }> {
  const lanes = lanesOf(surveys);
  const sizes = lanes.length > 1 ? smallRegionSizes : fileRegionSizes;
  const { arena, regions } = createArena(lanes.flatMap(() => sizes));
  const sources = lanes.map((files, lane) => {
    const own = regions.slice(lane * sizes.length, (lane + 1) * sizes.length);
    return new LaneSource(files, arena, own);
  });
  const laneSize = arena.bytes.length / Math.max(1, lanes.length);
  const distinct =
    sources.length > 1
      ? new DistinctSource(
          new MergeSource(sources, arena),
          arena,
          (at) => Math.floor(at / laneSize),
          Math.max(...surveys.map(({ stepBack }) => stepBack)),
        )
      : null;
  const source: Source | undefined = distinct ?? sources[0];

  const table = new HopTable({
    view: arena.view,
    labels: labels.length,
    origin: originOf(surveys),
    keep: Math.min(mostKept, Math.max(leastKept, hops)),
  });
  const classifier = new Classifier({
    arena,
    lookup: compileLookup(labels),
    labels: labels.length,
    keepOthers: false,
    maximumRun: Infinity,
    observer: table,
  });
  if (source !== undefined) {
    const before = surveys.reduce((sum, { size }) => sum + size, 0);
    const { error } = await runPipeline({
      source,
      classifier,
      arena,
      output: null,
      outputFormat: null,
      flushEvery: null,
      onBatch: () => {
        onProgress(before + source.position);
      },
    });
    if (error !== null) throw error;
  }
  table.finish();
  return {
    classifier,
    table,
    repeated: distinct?.repeated ?? 0,
    isUnsure: distinct?.isUnsure ?? false,
  };
}

/** Reads every capture once. What is no capture does not keep the others from being read. */
async function survey(
  captures: readonly CapturePath[],
  names: CapturedNames,
  onProgress: (position: number) => void,
): Promise<{ surveys: Survey[]; unreadable: Unreadable[] }> {
  const { arena, regions } = createArena(fileRegionSizes);
  const surveys: Survey[] = [];
  const unreadable: Unreadable[] = [];
  let before = 0;
  for (const capture of captures) {
    try {
      const found = await surveyCapture(capture, arena, regions, names, (position) => {
        onProgress(before + position);
      });
      before += found.size;
      surveys.push(found);
    } catch (error) {
      unreadable.push({ ...capture, error: inputFailure(error) });
    }
  }
  return { surveys, unreadable };
}

function inputFailure(error: unknown): LbcapError {
  if (error instanceof LbcapError) return error;
  return new LbcapError('INPUT_IO', messageOf(error), undefined, { cause: error });
}
