/** `npm run bench [-- start|run|split|udp|tcp|answers|ports|hold|doctor|flows|lookup]`: lbcap beside its peers, in pairs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lacking, type Requirement } from '../test/requirements.js';
import { measureAnswers } from './answers.js';
import { lbcap, lbcapByCap, tcpdump, tcpdumpEach } from './contenders.js';
import { measureDoctor } from './doctor.js';
import { measureFlows } from './flows.js';
import { compare, compileTraffic, type Load, type Result } from './live.js';
import { measureHold } from './hold.js';
import { measureLookup } from './lookup.js';
import { measurePorts } from './ports.js';
import { median, say, table, verdict } from './report.js';
import { measureRun } from './run.js';
import { measureSplit } from './split.js';
import { measureStart } from './start.js';

const rounds = 3;

type Part = (traffic: string, folder: string) => Promise<boolean> | boolean;

const parts: Readonly<Record<string, Part>> = {
  start() {
    const { node, filter } = measureStart(40);
    say('Start, medians of 40 alternating runs');
    say(`  node -e 0 ${node.toFixed(1)} ms, lbcap filter ${filter.toFixed(1)} ms`);
    return verdict('lbcap filter : node -e 0', filter / node, 1.6, ' x');
  },

  run: (_, folder) => measureRun(folder),

  split: (_, folder) => measureSplit(folder),

  async udp(traffic) {
    say(
      `UDP of 64 bytes at full rate, 8 clients, ${rounds} rounds; CPU is the median, lost the worst`,
    );
    const load: Load = {
      words: ['udp', '8', '8'],
      warmUp: ['udp', '8', '2'],
      clients: 8,
      snaplen: null,
      unit: 'packets',
    };
    const contenders = [tcpdump, lbcap, tcpdumpEach, ...(capIsThere() ? [lbcapByCap] : [])];
    const results = await compare(traffic, load, contenders, rounds);
    const [one, ours, eight] = results;
    printResults(results, 'packet');
    if (one === undefined || ours === undefined || eight === undefined) return false;
    const what = `packets lost, where one tcpdump lost ${one.lost ?? 'none known'}`;
    const figures = [
      verdict(what, ours.lost ?? NaN, one.lost ?? 0, ''),
      verdict('CPU, lbcap : one tcpdump', ours.cpuPerUnit / one.cpuPerUnit, 1.5, ' x'),
      verdict(
        'CPU of the machine, lbcap : 8 tcpdumps',
        ours.machinePerUnit / eight.machinePerUnit,
        1,
        ' x',
      ),
    ];
    return figures.every((good) => good);
  },

  async tcp(traffic) {
    let kept = true;
    for (const snaplen of [null, 128]) {
      const what = snaplen === null ? 'whole' : `--snaplen ${snaplen}`;
      say(`A TCP stream in segments of 64 KiB, 400 MB/s, ${what}, ${rounds} rounds`);
      const load: Load = {
        words: ['tcp', '400', '8'],
        warmUp: ['tcp', '400', '6'],
        clients: 1,
        snaplen,
        unit: 'bytes',
      };
      const contenders = [tcpdump, lbcap, ...(capIsThere() ? [lbcapByCap] : [])];
      const results = await compare(traffic, load, contenders, rounds);
      printResults(results, 'MB');
      const [one, ours] = results;
      if (one === undefined || ours === undefined) return false;
      const ratio = ours.cpuPerUnit / one.cpuPerUnit;
      kept = verdict(`CPU, lbcap : tcpdump, ${what}`, ratio, 1.5, ' x') && kept;
    }
    return kept;
  },

  async answers(traffic) {
    const all = [];
    for (let i = 0; i < rounds; i++) all.push(await measureAnswers(traffic));
    say(`Answers under that UDP load, ${rounds} rounds`);
    const timer = verdict('timers late by', median(all.map((a) => a.timer)), 0.2, ' s');
    const interrupt = verdict('Ctrl-C to the end', median(all.map((a) => a.interrupt)), 0.2, ' s');
    return timer && interrupt;
  },

  flows: measureFlows,

  lookup: measureLookup,

  async ports() {
    const runs = 11;
    const { ss, lbcap, proc, sockets } = await measurePorts(runs);
    say(`Ports of 8 addresses, ${sockets} sockets open, medians of ${runs} alternating runs`);
    say(`  ss -tan | wc -l ${ss.toFixed(0)} ms, lbcap ports ${lbcap.toFixed(0)} ms`);
    say(`  reading /proc/net/tcp to its end, once ${proc.toFixed(0)} ms`);
    return verdict('lbcap ports : ss -tan | wc -l', lbcap / ss, 1.5, ' x');
  },

  hold: measureHold,

  doctor: (_, folder) => measureDoctor(folder),
};

/** What the parts need that measure live capture. */
const live: readonly Requirement[] = ['capture', 'tcpdump', 'cc', 'script'];
/** What it takes to hold connections in a network namespace. */
const holding: readonly Requirement[] = ['capture', 'cc', 'unshare', 'nsenter', 'ip', 'ss'];
/** What the others need. */
const needs: Readonly<Record<string, readonly Requirement[]>> = {
  start: [],
  flows: [],
  ports: holding,
  hold: holding,
  doctor: ['capture', 'setpriv'],
  lookup: [],
  run: live,
  split: ['tcpdump', 'cc'],
};

function capIsThere(): boolean {
  try {
    createRequire(import.meta.url)('cap');
    return true;
  } catch {
    say('  (npm cap was not built here: left out)');
    return false;
  }
}

function printResults(results: readonly Result[], unit: 'packet' | 'MB'): void {
  const [first] = results;
  const time = (nanoseconds: number) =>
    unit === 'MB' ? `${(nanoseconds * 1e3).toFixed(0)} us` : `${nanoseconds.toFixed(0)} ns`;
  const rows = results.map((result) => [
    result.name,
    `${(result.sent / result.seconds / (unit === 'MB' ? 1e6 : 1e3)).toFixed(0)}${unit === 'MB' ? '' : ' k'}/s`,
    result.lost === null ? '' : String(result.lost),
    result.dropped === null ? 'not known' : String(result.dropped),
    time(result.cpuPerUnit),
    `${(result.cpuPerUnit / (first?.cpuPerUnit ?? NaN)).toFixed(2)} x`,
    time(result.machinePerUnit),
    `${(result.machinePerUnit / (first?.machinePerUnit ?? NaN)).toFixed(2)} x`,
  ]);
  const head = ['', `${unit} sent`, 'lost', 'kernel dropped', `CPU a ${unit}`, 'ratio'];
  table([[...head, 'machine', 'ratio'], ...rows]);
}

async function main(words: readonly string[]): Promise<void> {
  const names = words.length > 0 ? words : Object.keys(parts);
  const folder = mkdtempSync(join(tmpdir(), 'lbcap-bench-'));
  let kept = true;
  try {
    let traffic = '';
    for (const name of names) {
      const part = parts[name];
      if (part === undefined)
        throw new Error(`there is no ${name}: ${Object.keys(parts).join(', ')}`);
      const missing = lacking(...(needs[name] ?? live));
      if (missing !== false) {
        say(`${name}: left out: ${missing}`);
        continue;
      }
      if (needs[name] === undefined && traffic === '') traffic = compileTraffic(folder);
      kept = (await part(traffic, folder)) && kept;
      say();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (!kept) process.exitCode = 1;
}

await main(process.argv.slice(2));
