/** `npm run bench -- split`: splitting captures, beside what people split them with. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atLeast, say, table, verdict } from './report.js';
import { clientLabels, clients, lbcapCommand, lbcapSplit, splitters } from './splitters.js';
import { alternate, compile, measure, ratio, typical, type Program, type Run } from './timed.js';

const rounds = 5;
/** Bytes on disk at the same time, at most. */
const diskNeeded = 6e9;
const mostMemory = 80;
const manyLabels = 65_536;

interface Tools {
  readonly folder: string;
  readonly captures: string;
  readonly split: string;
  readonly timed: string;
}

/** @param folder empty, on the disk that is to be measured; removed by the caller */
export function measureSplit(folder: string): boolean {
  const { bavail, bsize } = statfsSync(folder);
  say(`Split, captures and output in ${folder}: needs ${diskNeeded / 1e9} GB there`);
  if (bavail * bsize < diskNeeded) {
    say(
      `  left out: ${((bavail * bsize) / 1e9).toFixed(1)} GB are free; TMPDIR names another place`,
    );
    return false;
  }
  const tools: Tools = {
    folder,
    captures: compile(folder, 'captures'),
    split: compile(folder, 'split', '-lpcap'),
    timed: compile(folder, 'timed'),
  };
  // Ctrl-C ends the program that is measured, hence this one: by an error, after which all is removed.
  const endured = () => undefined;
  process.on('SIGINT', endured);
  try {
    const parts = [small, shuffled, mixed, bulk, pcapng];
    return parts.map((part) => part(tools)).every((kept) => kept);
  } finally {
    process.off('SIGINT', endured);
  }
}

function small(tools: Tools): boolean {
  const capture = makeCapture(tools, 'small', 'pcap', 1155);
  const { lbcap, c, cTuned, tcpdump, tcpdumps, cat } = splitters(capture, tools.split);
  const programs = [lbcap, c, cTuned, tcpdump, tcpdumps, cat];
  const [ours = [], plain = [], tuned = [], one = [], eight = [], copy = []] = contest(
    tools,
    capture,
    programs,
  );
  const overC = ratio(plain, ours);
  const figures = [
    atLeast('C : lbcap', overC, 3.5, ' x'),
    atLeast('C with large buffers : lbcap', ratio(tuned, ours), 2, ' x'),
    atLeast('one tcpdump : lbcap', ratio(one, ours), 1.9, ' x'),
    atLeast('eight tcpdumps : lbcap', ratio(eight, ours), 15, ' x'),
    verdict('lbcap : cat', 1 / ratio(copy, ours), 1.2, ' x'),
    verdict('CPU, lbcap : one tcpdump', 1 / ratio(one, ours, 'cpu'), 0.75, ' x'),
    pcapSplitter(overC),
    memory(ours),
    labels(tools, capture),
    stream(tools, capture),
  ];
  rmSync(capture);
  return figures.every((kept) => kept);
}

/** Nothing is asked of it: the worst case, told for honesty. */
function shuffled(tools: Tools): boolean {
  return beside(tools, 'shuffled');
}

/** Nor of it: the longest packets, which need no copying. */
function bulk(tools: Tools): boolean {
  return beside(tools, 'bulk', 'all of it one client’s');
}

function beside(tools: Tools, kind: string, whose?: string): boolean {
  const capture = makeCapture(tools, kind, 'pcap', 1155, whose);
  const { lbcap, c } = splitters(capture, tools.split);
  const [ours = []] = contest(tools, capture, [lbcap, c]);
  rmSync(capture);
  return memory(ours);
}

function mixed(tools: Tools): boolean {
  const capture = makeCapture(tools, 'mixed', 'pcap', 2000);
  const { lbcap, c, cTuned, tcpdumps } = splitters(capture, tools.split);
  const programs = [lbcap, c, cTuned, tcpdumps];
  const [ours = [], plain = [], , eight = []] = contest(tools, capture, programs);
  const figures = [
    atLeast('C : lbcap', ratio(plain, ours), 2, ' x'),
    atLeast('eight tcpdumps : lbcap', ratio(eight, ours), 6.5, ' x'),
    memory(ours),
  ];
  rmSync(capture);
  return figures.every((kept) => kept);
}

function pcapng(tools: Tools): boolean {
  const capture = makeCapture(tools, 'small', 'pcapng', 1340);
  const { lbcap, c, tcpdumps } = splitters(capture, tools.split);
  const blocks = lbcapSplit('lbcap split --format pcapng', capture, [
    ...clientLabels(clients),
    '--format',
    'pcapng',
  ]);
  const [ours = [], plain = [], eight = [], records = []] = contest(tools, capture, [
    blocks,
    c,
    tcpdumps,
    lbcap,
  ]);
  const figures = [
    atLeast('C : lbcap', ratio(plain, ours), 3, ' x'),
    atLeast('eight tcpdumps : lbcap', ratio(eight, ours), 12, ' x'),
    memory([...ours, ...records]),
  ];
  rmSync(capture);
  return figures.every((kept) => kept);
}

/** The same clients among so many labels that nobody speaks for. */
function labels(tools: Tools, capture: string): boolean {
  const registry = join(tools.folder, 'labels.json');
  const entries = Array.from({ length: manyLabels }, (_, i): [string, string] => {
    const client = clients[i];
    return client === undefined
      ? [`l${i}`, `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`]
      : [client, client];
  });
  writeFileSync(registry, JSON.stringify({ labels: Object.fromEntries(entries) }));
  const few = lbcapSplit('8 labels', capture, clientLabels(clients));
  const many = lbcapSplit(`${manyLabels} labels`, capture, ['--labels', registry]);
  const [small = [], large = []] = alternate(tools.timed, tools.folder, [few, many], rounds);
  say(
    `  ${manyLabels} labels: ${(typical(large).memory / 1e6).toFixed(0)} MB, which are the labels'`,
  );
  return verdict(`${manyLabels} labels : 8 labels`, ratio(large, small), 1.25, ' x');
}

/** Some 10 GB through a pipe. */
function stream(tools: Tools, capture: string): boolean {
  const out = join(tools.folder, 'out');
  mkdirSync(out);
  const packets = 'for i in 1 2 3 4 5 6 7 8 9; do tail -c +25 "$0"; done';
  const lbcap = lbcapCommand('-', out, clientLabels(clients.slice(0, 1)));
  const run = measure(tools.timed, [
    ['sh', '-c', `{ head -c 24 "$0"; ${packets}; } | "$@"`, capture, ...lbcap],
  ]);
  rmSync(out, { recursive: true });
  const size = (9 * statSync(capture).size) / 1e9;
  say(`  ${size.toFixed(1)} GB through a pipe, one client: ${run.seconds.toFixed(1)} s`);
  return memory([run]);
}

function makeCapture(
  tools: Tools,
  kind: string,
  format: string,
  megabytes: number,
  whose = '8 clients with half of it',
): string {
  const capture = join(tools.folder, `${kind}.${format}`);
  execFileSync(tools.captures, [kind, format, String(megabytes), capture]);
  const size = (statSync(capture).size / 1e9).toFixed(2);
  say();
  say(`${kind} packets, ${format}, ${size} GB, ${whose}`);
  return capture;
}

/**
 * Every program in turn; prints the table.
 * @param programs lbcap first
 * @throws where their files for one client differ
 */
function contest({ timed, folder }: Tools, capture: string, programs: readonly Program[]): Run[][] {
  // What costs once on a machine: the capture and the programs come into the page cache.
  execFileSync('cksum', [capture]);
  const checksums = new Map<string, string>();
  const runs = alternate(timed, folder, programs, rounds, (program, out) => {
    for (const file of readdirSync(out)) {
      if (!file.endsWith('.pcap') || file === 'all.pcap') continue;
      const checksum = checksumOfRecords(join(out, file));
      if ((checksums.get(file) ?? checksum) !== checksum) {
        throw new Error(`${program.name} has other packets in ${file} than those before`);
      }
      checksums.set(file, checksum);
    }
  });
  const [ours = []] = runs;
  const rows = programs.map(({ name }, i) => {
    const theirs = runs[i] ?? [];
    const { seconds, cpu, memory } = typical(theirs);
    const times = i === 0 ? '' : `${ratio(theirs, ours).toFixed(2)} x`;
    return [name, seconds.toFixed(2), times, cpu.toFixed(2), `${(memory / 1e6).toFixed(0)} MB`];
  });
  table([['', 'seconds', 'of lbcap', 'CPU s', 'peak memory'], ...rows]);
  return runs;
}

/** Without the file header, whose snaplen is the writer's own. */
function checksumOfRecords(path: string): string {
  return execFileSync('sh', ['-c', 'tail -c +25 "$0" | cksum', path], { encoding: 'utf8' });
}

/** PcapSplitter is in no package registry; it was once measured beside the same C program. */
function pcapSplitter(overC: number): boolean {
  const times = 2.28;
  say(`  PcapSplitter is not measured: taken for ${times} times the C program, as once measured`);
  return atLeast('PcapSplitter : lbcap', overC * times, 8, ' x');
}

function memory(runs: readonly Run[]): boolean {
  return verdict('peak memory', typical(runs).memory / 1e6, mostMemory, ' MB');
}
