/** What the words after `lbcap watch` mean. */
import { LbcapError } from '../errors.js';
import { maximumCapturedLength } from '../packet/batch.js';
import { parseDuration, parseSize } from '../terminal/units.js';

export type Engine = (typeof engines)[number];

const engines = ['libpcap', 'dumpcap', 'cap'] as const;

/** As commander gives them. */
export interface RawWatchOptions {
  interface?: string;
  out?: string;
  write: boolean;
  format: string;
  nano?: true;
  others?: true;
  force?: true;
  filter?: string;
  snaplen?: string;
  buffer?: string;
  duration?: string;
  packets?: string;
  bytes?: string;
  json?: true;
  engine?: string;
  read?: string;
  strict?: true;
}

export interface WatchOptions {
  /** `null`: the system's loopback interface. */
  readonly interface: string | null;
  /** `null`: a new directory named after the time. */
  readonly out: string | null;
  readonly write: boolean;
  readonly nanoseconds: boolean;
  readonly others: boolean;
  readonly force: boolean;
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
  readonly strict: boolean;
}

/** @throws USAGE */
export function readWatchOptions(raw: RawWatchOptions): WatchOptions {
  requirePcap(raw.format);
  if (raw.read !== undefined) refuseWithRead(raw);
  if (!raw.write && raw.out !== undefined) {
    throw new LbcapError('USAGE', '--out and --no-write contradict each other', 'give one of them');
  }
  return {
    interface: raw.interface ?? null,
    out: raw.out === undefined ? null : directory(raw.out),
    write: raw.write,
    nanoseconds: raw.nano === true,
    others: raw.others === true,
    force: raw.force === true,
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
    strict: raw.strict === true,
  };
}

/** @throws USAGE */
export function requirePcap(format: string): void {
  if (format === 'pcap') return;
  if (format === 'pcapng') {
    throw new LbcapError(
      'USAGE',
      '--format pcapng is not in this version',
      'use --format pcap, with --nano for nanoseconds',
    );
  }
  throw new LbcapError('USAGE', `there is no --format ${format}`, 'use pcap');
}

/** @throws USAGE for `-`, which stands for a stream */
export function directory(out: string): string {
  if (out === '-') {
    throw new LbcapError('USAGE', '--out - is not in this version', 'give a directory');
  }
  if (out === '') throw new LbcapError('USAGE', '--out is empty', 'give a directory');
  return out;
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

/** libpcap takes the size as an int. */
function bufferSize(text: string): number {
  const bytes = parseSize(text, '--buffer');
  const least = 64 * 1024;
  const most = 2 ** 31 - 1;
  if (bytes >= least && bytes <= most) return bytes;
  throw new LbcapError('USAGE', `--buffer ${text} is out of range`, 'give 64k to 2047M');
}
