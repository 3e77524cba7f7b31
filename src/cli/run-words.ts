/** The words behind `lbcap run`: options, label and program, read without commander. */
import { LbcapError } from '../errors.js';
import { quote } from '../labels/quote.js';

interface Flag {
  readonly short?: string;
  /** Without the dashes. */
  readonly long: string;
  /** What stands for the value in the help; without one it is a switch. */
  readonly value?: string;
  readonly help: string;
  /** Handed on to `watch`, under --watch. */
  readonly ofWatch?: true;
}

/** Every option. Commander gets them from here too, for the help. */
export const runFlags = [
  {
    long: 'labels',
    value: 'FILE',
    help: 'registry of labels (default: as for the other commands)',
  },
  { long: 'pool', help: 'use all addresses of the label, in turn' },
  { long: 'server', help: "move what it listens on to the label's address too" },
  { long: 'rebind', help: 'also for programs that bind before they connect' },
  { long: 'ipv6', value: 'MODE', help: 'connections to ::1: bind, to4 or refuse' },
  {
    long: 'method',
    value: 'METHOD',
    help: 'bpf or seccomp (default: bpf where permitted, else seccomp)',
  },
  { short: 'q', long: 'quiet', help: 'say nothing but errors' },
  { long: 'json', help: 'the account as one JSON line on standard error' },
  {
    long: 'account',
    value: 'FILE',
    help: 'write the account as JSON to a file, /dev/fd/3 for example',
  },
  { long: 'recipe', help: 'print how to bind the common clients by hand' },
  {
    long: 'watch',
    help: "capture the label as long as it runs; these options of watch's go with it:",
  },
  { short: 'o', long: 'out', value: 'DIR', help: 'where the files go', ofWatch: true },
  { long: 'no-write', help: 'no files, only the counts', ofWatch: true },
  { long: 'format', value: 'FORMAT', help: 'pcap or pcapng', ofWatch: true },
  { long: 'compress', value: 'METHOD', help: 'gzip, zstd or lz4', ofWatch: true },
  { long: 'rotate-size', value: 'SIZE', help: 'next file before it is larger', ofWatch: true },
  { long: 'rotate-time', value: 'TIME', help: 'next file after so long', ofWatch: true },
  { long: 'keep', value: 'N', help: 'with --rotate-…: only the newest N files', ofWatch: true },
  { long: 'comment', value: 'TEXT', help: 'into pcapng files', ofWatch: true },
  { long: 'nano', help: 'timestamps in nanoseconds', ofWatch: true },
  { long: 'others', help: 'keep what belongs to no label too', ofWatch: true },
  { long: 'force', help: 'overwrite files that exist', ofWatch: true },
  { short: 'i', long: 'interface', value: 'NAME', help: 'interface', ofWatch: true },
  { short: 'f', long: 'filter', value: 'BPF', help: "and-ed with the label's own", ofWatch: true },
  { short: 's', long: 'snaplen', value: 'N', help: 'bytes kept of a packet', ofWatch: true },
  { short: 'B', long: 'buffer', value: 'SIZE', help: 'kernel buffer', ofWatch: true },
  { long: 'engine', value: 'ENGINE', help: 'libpcap, dumpcap or cap', ofWatch: true },
  { long: 'strict', help: 'exit with 3 when packets were lost', ofWatch: true },
] as const satisfies readonly Flag[];

export type RunFlag = (typeof runFlags)[number]['long'];

export interface RunWords {
  /** What was given: a value, or `true` for a switch. */
  readonly options: Readonly<Partial<Record<RunFlag, string | true>>>;
  /** The words of watch's options as they were, in order. */
  readonly watchWords: readonly string[];
  readonly label: string | undefined;
  readonly command: readonly string[];
}

const flags: readonly Flag[] = runFlags;

/**
 * Options stand on either side of LABEL; the program begins behind `--`, or with the second word
 * that is no option, and from there on all words are its own.
 *
 * @returns `'help'` when that is asked for
 * @throws LbcapError `USAGE`
 */
export function readRunWords(words: readonly string[]): RunWords | 'help' {
  const options: Partial<Record<string, string | true>> = {};
  const watchWords: string[] = [];
  let label: string | undefined;
  let command: readonly string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      command = queue;
      break;
    }
    if (word === '-h' || word === '--help') return 'help';
    if (word.length < 2 || !word.startsWith('-')) {
      if (label === undefined) {
        label = word;
        continue;
      }
      command = [word, ...queue];
      break;
    }
    for (const { flag, value } of readOption(word, queue)) {
      options[flag.long] = value;
      if (flag.ofWatch === true) {
        watchWords.push(`--${flag.long}`, ...(value === true ? [] : [value]));
      }
    }
  }
  if (watchWords.length > 0 && options['watch'] === undefined) {
    throw new LbcapError('USAGE', `${watchWords[0]} is for --watch`, 'give --watch as well');
  }
  if (options['out'] === '-') {
    throw new LbcapError(
      'USAGE',
      "--out - is watch's: standard output is the program's here",
      'give a directory',
    );
  }
  return { options, watchWords, label, command };
}

interface Given {
  readonly flag: Flag;
  readonly value: string | true;
}

/** One word's options, `--ipv6=to4`, `--ipv6 to4`, `-qo bug` or `-obug`; takes values off `rest`. */
function readOption(word: string, rest: string[]): Given[] {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    const name = equals === -1 ? word.slice(2) : word.slice(2, equals);
    const flag = flags.find(({ long }) => long === name);
    if (flag === undefined) throw unknown(`--${name}`);
    if (flag.value !== undefined) {
      return [{ flag, value: equals === -1 ? valueOf(flag, rest) : word.slice(equals + 1) }];
    }
    if (equals !== -1) throw new LbcapError('USAGE', `--${name} takes no value`, 'leave it out');
    return [{ flag, value: true }];
  }
  const given: Given[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const flag = flags.find(({ short }) => short === word[at]);
    if (flag === undefined) throw unknown(`-${word[at]}`);
    if (flag.value === undefined) {
      given.push({ flag, value: true });
      continue;
    }
    given.push({ flag, value: at + 1 < word.length ? word.slice(at + 1) : valueOf(flag, rest) });
    break;
  }
  return given;
}

function valueOf(flag: Flag, rest: string[]): string {
  const value = rest.shift();
  if (value !== undefined) return value;
  throw new LbcapError(
    'USAGE',
    `--${flag.long} needs a value`,
    `give --${flag.long} ${flag.value}`,
  );
}

function unknown(option: string): LbcapError {
  return new LbcapError(
    'USAGE',
    `unknown option ${quote(option)}`,
    "see lbcap run --help; the program's own options go behind --",
  );
}
