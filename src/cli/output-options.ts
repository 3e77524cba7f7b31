/** What the words about output mean, of `watch` and `split` both. */
import { LbcapError } from '../errors.js';
import type { Command } from 'commander';
import { compressions, type CompressionName } from '../sinks/compression.js';
import { parseDuration, parseSize } from '../terminal/units.js';

/** As commander gives them. */
export interface RawOutputOptions {
  readonly out?: string;
  readonly write?: boolean;
  readonly format?: string;
  readonly nano?: true;
  readonly others?: true;
  readonly force?: true;
  readonly compress?: string;
  readonly rotateSize?: string;
  readonly rotateTime?: string;
  readonly keep?: string;
  readonly comment?: readonly string[];
  readonly json?: true;
}

export type FileKind = 'pcap' | 'pcapng';

export interface OutputOptions {
  /** `null`: a new directory named after the time. */
  readonly directory: string | null;
  /** One pcapng of all labels to standard output, instead of files. */
  readonly stream: boolean;
  readonly kind: FileKind;
  /** Nanoseconds whatever the source has. */
  readonly nanoseconds: boolean;
  readonly others: boolean;
  readonly force: boolean;
  readonly compression: CompressionName | null;
  readonly rotation: RotationOptions | null;
  /** For the section header. */
  readonly comments: readonly string[];
}

export interface RotationOptions {
  /** Bytes. */
  readonly size: number | null;
  /** Milliseconds. */
  readonly time: number | null;
  readonly keep: number | null;
}

/** Adds what both commands have, in the order in which the help lists it. */
export function addOutputOptions(command: Command): Command {
  return command
    .option(
      '-o, --out <DIR>',
      'where the files go (default: ./lbcap-<yyyymmdd-hhmmss>); - is one pcapng to standard output',
    )
    .option('--format <FORMAT>', 'pcap, or pcapng: nanoseconds, names, counts (default: pcap)')
    .option('--others', 'keep what belongs to no label too, in others.pcap')
    .option('--force', 'overwrite files that exist')
    .option('--compress <METHOD>', `${Object.keys(compressions).join(', ')}: files NAME.pcap.gz …`)
    .option('--rotate-size <SIZE>', 'begin the next file of a label before it is larger, e.g. 100M')
    .option('--rotate-time <TIME>', 'begin new files each time so long has passed, e.g. 10m')
    .option('--keep <N>', 'with --rotate-…: of each label only the newest N files')
    .option(
      '--comment <TEXT>',
      'into the section header of pcapng files (repeatable)',
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    );
}

/** @throws USAGE */
export function readOutputOptions(raw: RawOutputOptions): OutputOptions {
  const stream = raw.out === '-';
  const kind = fileKind(raw.format, stream);
  const rotation = readRotation(raw);
  if (raw.out === '') throw new LbcapError('USAGE', '--out is empty', 'give a directory');
  if (raw.write === false) refuse(raw, ['out', ...aboutFiles], '--no-write');
  if (stream) {
    refuse(raw, ['force', ...aboutFiles], '--out -');
    if (raw.json === true) throw contradiction('--json', '--out -', 'both are for standard output');
  }
  if (raw.comment !== undefined && kind === 'pcap') {
    throw new LbcapError('USAGE', '--comment is for pcapng files', 'add --format pcapng');
  }
  return {
    directory: stream ? null : (raw.out ?? null),
    stream,
    kind,
    nanoseconds: raw.nano === true || kind === 'pcapng',
    others: raw.others === true,
    force: raw.force === true,
    compression: raw.compress === undefined ? null : compressionName(raw.compress),
    rotation,
    comments: raw.comment ?? [],
  };
}

/** Bytes of a capture do a terminal no good. @throws USAGE */
export function refuseTerminal({ stream }: OutputOptions, stdout: NodeJS.WriteStream): void {
  if (!stream || !stdout.isTTY) return;
  throw new LbcapError(
    'USAGE',
    '--out - writes a capture, and standard output is a terminal',
    'pipe it: lbcap … -o - | tshark -r -',
  );
}

const aboutFiles = ['compress', 'rotateSize', 'rotateTime', 'keep'] as const;

function refuse(
  raw: RawOutputOptions,
  options: readonly (keyof RawOutputOptions)[],
  with_: string,
): void {
  const given = options.find((option) => raw[option] !== undefined);
  if (given === undefined) return;
  const dashed = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw contradiction(`--${dashed}`, with_, 'give one of them');
}

function contradiction(one: string, other: string, remedy: string): LbcapError {
  return new LbcapError('USAGE', `${one} and ${other} contradict each other`, remedy);
}

function fileKind(text: string | undefined, stream: boolean): FileKind {
  if (text === undefined) return stream ? 'pcapng' : 'pcap';
  if (text !== 'pcap' && text !== 'pcapng') {
    throw new LbcapError('USAGE', `there is no --format ${text}`, 'use pcap or pcapng');
  }
  if (stream && text === 'pcap') {
    throw contradiction('--format pcap', '--out -', 'the stream of all labels is pcapng');
  }
  return text;
}

function compressionName(text: string): CompressionName {
  if (Object.hasOwn(compressions, text)) return text as CompressionName;
  const names = Object.keys(compressions).join(', ');
  throw new LbcapError('USAGE', `there is no --compress ${text}`, `use one of ${names}`);
}

function readRotation(raw: RawOutputOptions): RotationOptions | null {
  const { rotateSize, rotateTime, keep } = raw;
  if (rotateSize === undefined && rotateTime === undefined) {
    if (keep === undefined) return null;
    throw new LbcapError(
      'USAGE',
      '--keep is for files that rotate',
      'give --rotate-size or --rotate-time as well',
    );
  }
  return {
    size: rotateSize === undefined ? null : parseSize(rotateSize, '--rotate-size'),
    time: rotateTime === undefined ? null : parseDuration(rotateTime, '--rotate-time'),
    keep: keep === undefined ? null : fileCount(keep),
  };
}

function fileCount(text: string): number {
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (value >= 1) return value;
  throw new LbcapError('USAGE', `--keep ${text} is not a number of files`, 'give 1 or more');
}
