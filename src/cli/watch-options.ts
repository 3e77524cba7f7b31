/** What the words after `lbcap watch` mean. */
import { LbcapError } from '../errors.js';
import { maximumCapturedLength } from '../packet/batch.js';
import { parseDuration, parseSize } from '../terminal/units.js';
import { Inputs, type RawInputOptions } from './open-inputs.js';
import { readOutputOptions, type OutputOptions, type RawOutputOptions } from './output-options.js';

export type Engine = (typeof engines)[number];

const engines = ['libpcap', 'dumpcap', 'cap'] as const;

/** As commander gives them. */
export interface RawWatchOptions extends RawOutputOptions, RawInputOptions {
  interface?: string;
  write: boolean;
  filter?: string;
  snaplen?: string;
  buffer?: string;
  duration?: string;
  packets?: string;
  bytes?: string;
  engine?: string;
  read?: string;
  strict?: true;
}

export interface WatchOptions {
  /** `null`: the system's loopback interface. */
  readonly interface: string | null;
  readonly write: boolean;
  readonly output: OutputOptions;
  readonly filter: string | null;
  readonly snaplen: number;
  /** Kernel buffer in bytes; `null`: what was measured to be enough. */
  readonly bufferSize: number | null;
  /** Milliseconds. */
  readonly duration: number | null;
  readonly packets: number | undefined;
  readonly bytes: number | undefined;
  readonly json: boolean;
  /** `null`: libpcap, or dumpcap where libpcap is refused. */
  readonly engine: Engine | null;
  /** A capture file, or `-`. */
  readonly read: string | null;
  /** The same, to be opened. */
  readonly inputs: Inputs | null;
  readonly strict: boolean;
}

/** @throws USAGE */
export function readWatchOptions(raw: RawWatchOptions): WatchOptions {
  if (raw.read !== undefined) refuseWithRead(raw);
  else refuseWithoutRead(raw);
  return {
    interface: raw.interface ?? null,
    write: raw.write,
    output: readOutputOptions(raw),
    filter: raw.filter ?? null,
    snaplen:
      raw.snaplen === undefined
        ? maximumCapturedLength
        : wholeNumber('--snaplen', raw.snaplen, 1, maximumCapturedLength),
    bufferSize: raw.buffer === undefined ? null : bufferSize(raw.buffer),
    duration: raw.duration === undefined ? null : parseDuration(raw.duration, '--duration'),
    packets:
      raw.packets === undefined
        ? undefined
        : wholeNumber('--packets', raw.packets, 1, Number.MAX_SAFE_INTEGER),
    bytes: raw.bytes === undefined ? undefined : parseSize(raw.bytes, '--bytes'),
    json: raw.json === true,
    engine: raw.engine === undefined ? null : engine(raw.engine),
    read: raw.read ?? null,
    inputs: raw.read === undefined ? null : new Inputs([raw.read], raw),
    strict: raw.strict === true,
  };
}

function refuseWithRead(raw: RawWatchOptions): void {
  const live = [
    ['--interface', raw.interface],
    ['--filter', raw.filter],
    ['--snaplen', raw.snaplen],
    ['--buffer', raw.buffer],
  ].find(([, value]) => value !== undefined);
  if (live !== undefined) {
    throw new LbcapError(
      'USAGE',
      `${live[0]} is for live captures, not for --read`,
      'give it to the program that captures',
    );
  }
}

function refuseWithoutRead(raw: RawWatchOptions): void {
  const word = raw.follow === true ? '--follow' : raw.repair === true ? '--repair' : null;
  if (word === null) return;
  throw new LbcapError('USAGE', `${word} is for --read, not for live captures`, 'leave it out');
}

function engine(text: string): Engine {
  const known = engines.find((name) => name === text);
  if (known !== undefined) return known;
  throw new LbcapError('USAGE', `there is no --engine ${text}`, 'use libpcap, dumpcap or cap');
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new LbcapError(
    'USAGE',
    `${option} ${text} is not a number from ${least} to ${most}`,
    'give a whole number',
  );
}

/** The ring's offsets are 32 bits, and a MiB or so stands before it. */
function bufferSize(text: string): number {
  const bytes = parseSize(text, '--buffer');
  const least = 64 * 1024;
  const most = 2046 * 1024 * 1024;
  if (bytes >= least && bytes <= most) return bytes;
  throw new LbcapError('USAGE', `--buffer ${text} is out of range`, 'give 64k to 2046M');
}
