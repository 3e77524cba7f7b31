/** What splits a capture in the bench: lbcap, and what people split one with today. */
import { join } from 'node:path';
import { lbcapProgram } from '../test/scenarios/watch.js';
import type { Program } from './timed.js';

/** In the bench's captures (captures.c); as many others are nobody's. */
export const clients = Array.from({ length: 8 }, (_, i) => `127.0.0.${i + 2}`);

/** Eight passes take long, and vary little. */
const roundsOfEight = 2;

export type Splitters = Readonly<
  Record<'lbcap' | 'c' | 'cTuned' | 'tcpdump' | 'tcpdumps' | 'cat', Program>
>;

/** Each writes `<client>.pcap` for every client, but for `tcpdump` and `cat`, which write one file. */
export function splitters(capture: string, split: string): Splitters {
  const tcpdump = (folder: string, name: string, filter: string) => {
    const out = join(folder, `${name}.pcap`);
    return ['tcpdump', '-Z', 'root', '-r', capture, '-w', out, filter];
  };
  const c = (name: string, options: readonly string[]): Program => ({
    name,
    commands: (folder) => [[split, capture, folder, ...options, ...clients]],
  });
  return {
    lbcap: lbcapSplit('lbcap split', capture, clientLabels(clients)),
    c: c('C on libpcap, one pass', []),
    cTuned: c('the same, 1 MiB buffers', ['-b1048576']),
    tcpdump: {
      name: 'tcpdump, one pass, one file',
      commands: (folder) => [
        tcpdump(folder, 'all', clients.map((client) => `host ${client}`).join(' or ')),
      ],
    },
    tcpdumps: {
      name: 'tcpdump, a pass for each',
      rounds: roundsOfEight,
      commands: (folder) => clients.map((client) => tcpdump(folder, client, `host ${client}`)),
    },
    cat: {
      name: 'cat of the input to disk',
      commands: (folder) => [['sh', '-c', 'exec cat "$0" >"$1"', capture, join(folder, 'copy')]],
    },
  };
}

export function lbcapSplit(name: string, input: string, options: readonly string[]): Program {
  return { name, commands: (folder) => [lbcapCommand(input, folder, options)] };
}

export function lbcapCommand(input: string, out: string, options: readonly string[]): string[] {
  return [process.execPath, lbcapProgram(), 'split', input, '-o', out, ...options];
}

/** Options that make each client a label named as its address. */
export function clientLabels(addresses: readonly string[]): string[] {
  return addresses.flatMap((address) => ['-l', `${address}=${address}`]);
}
