/** Opens what a plan writes to. */
import { cpus, release, type as systemName } from 'node:os';
import { bpfFilter } from '../filters/bpf.js';
import { fileHeader } from '../formats/pcap.js';
import type { NamedAddress } from '../formats/pcapng-write.js';
import type { Label } from '../labels/label.js';
import type { Arena, Region } from '../packet/arena.js';
import type { BatchFormat } from '../packet/batch.js';
import { mapped, type Sequence } from '../sequence.js';
import { openCompression } from '../sinks/compression.js';
import { pcapFormat } from '../sinks/file-format.js';
import { LabelFiles, type LabelFilesOptions } from '../sinks/label-files.js';
import { labelNames } from '../sinks/label-names.js';
import type { Output, WrittenFile } from '../sinks/output.js';
import { encodingRegionSize, PcapngFiles } from '../sinks/pcapng-files.js';
import type { PcapngOptions } from '../sinks/pcapng-sections.js';
import { PcapngStream } from '../sinks/pcapng-stream.js';
import { slotSizes } from '../sinks/slots.js';
import { StreamWriter } from '../sinks/stream-writer.js';
import type { Source } from '../sources/source.js';
import { version } from '../version.js';
import type { OutputPlan } from './output-plan.js';

/** What it depends on besides the plan. */
export interface OutputJob {
  readonly labels: Sequence<Label>;
  readonly source: Source;
  readonly arena: Arena;
  /** Those that `outputRegionSizes` asked for. */
  readonly regions: readonly Region[];
  /** The source is a capture that is under way here. */
  readonly capturing: boolean;
  /** Packets come as they happen. */
  readonly live: boolean;
  /** The user's own capture filter. */
  readonly filter: string | null;
  readonly onFinished: (file: WrittenFile) => void;
  readonly cursorRegion?: Region | undefined;
}

/** So many labels are taken to have packets, until more have. */
const busyAtFirst = 8;

/** Up to so many addresses, every file names all of them; beyond, those of its own label. */
const mostNames = 1024;

/**
 * Sizes of the regions of the arena that `openOutput` needs.
 * @param live the packets come as they happen: slots are written while they are in the cache
 */
export function outputRegionSizes(plan: OutputPlan | null, live: boolean): number[] {
  if (plan === null || plan.options.stream) return [];
  // What is compressed is worth less in small pieces.
  const slots = slotSizes(busyAtFirst, live && plan.options.compression === null);
  return plan.options.kind === 'pcap' ? slots : [encodingRegionSize, ...slots];
}

/** The longest run that the output can always take at once, bytes. */
export function longestRun(regions: readonly Region[]): number {
  return regions.length === 0 ? Infinity : regions[regions.length - 1].size / 4;
}

/**
 * @param format in which records leave, for pcap
 * @throws OUTPUT_EXISTS, OUTPUT_IO
 */
export async function openOutput(
  plan: OutputPlan,
  job: OutputJob,
  format: BatchFormat,
): Promise<Output> {
  const { source, arena, regions } = job;
  const { options, names, directory } = plan;
  const { linkType } = source.format;
  const copied = source.format.blocks !== undefined;
  if (directory === null) {
    const writer = new StreamWriter(1, 'standard output');
    return new PcapngStream({ arena, writer, pcapng: describe(plan, job), linkType, copied });
  }
  const files = {
    arena,
    directory,
    names,
    linkType,
    force: options.force,
    writeHere: job.live,
    compression: options.compression === null ? null : await openCompression(options.compression),
    rotation: options.rotation,
    onFinished: job.onFinished,
    cursorRegion: job.cursorRegion,
  } satisfies Partial<LabelFilesOptions>;
  if (options.kind === 'pcapng') {
    const [encodingRegion, ...slots] = regions;
    return new PcapngFiles({
      ...files,
      slots,
      encodingRegion,
      pcapng: describe(plan, job),
      copied,
    });
  }
  const header =
    source.fileHeader !== undefined && format.nanoseconds === source.format.nanoseconds
      ? // As it was, so that a label that takes everything gives the very same file.
        source.fileHeader
      : fileHeader(format, source.snaplen);
  return new LabelFiles({
    ...files,
    slots: regions,
    format: pcapFormat(arena, format, source.snaplen, header),
  });
}

/** What the pcapng says of itself. */
function describe({ names, options }: OutputPlan, job: OutputJob): PcapngOptions {
  const { labels, source, capturing, filter } = job;
  const system = `${systemName()} ${release()}`;
  const allNames = sharedNames(labels, options.stream ? Infinity : mostNames);
  return {
    section: {
      hardware: cpus()[0]?.model,
      os: system,
      application: `lbcap ${version}`,
      comments: options.comments,
    },
    interfaces: mapped(names, (name, output) => {
      const label = labels.at(output);
      const terms = [label === undefined ? null : bpfFilter([label]), filter];
      const [one, other] = terms.filter((term) => term !== null);
      return {
        name: `lbcap:${name}`,
        filter: other === undefined ? one : `(${one}) and (${other})`,
      };
    }),
    snaplen: source.snaplen,
    source: source.name,
    os: capturing ? system : undefined,
    names: (output) => allNames ?? labelNames(labels.at(output)),
    counters: () => source.counters(),
    startedAt: capturing ? Date.now() : null,
  };
}

/** The names of all labels' addresses; `null` when there are more than `most`. */
function sharedNames(labels: Sequence<Label>, most: number): NamedAddress[] | null {
  const names: NamedAddress[] = [];
  for (const label of labels) {
    names.push(...labelNames(label));
    if (names.length > most) return null;
  }
  return names;
}
