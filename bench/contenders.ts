/** Who captures in the bench: lbcap with either engine, one tcpdump, and a tcpdump for each client. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { RunningProgram } from '../test/scenarios/process.js';
import { lbcapProgram } from '../test/scenarios/watch.js';
import { cpuSeconds, onlyChild } from './cpu.js';

export interface Contender {
  readonly name: string;
  /** Resolves once it captures the clients 127.77.1.1 to 127.77.1.`clients`. */
  start(folder: string, clients: number, snaplen: number | null): Promise<Capture>;
}

/** A capture that is under way. */
export interface Capture {
  cpu(): number;
  /** Bytes in its files, as the file system knows them now. */
  written(): number;
  end(): Promise<{ readonly dropped: number | null }>;
}

export const tcpdump: Contender = {
  name: 'tcpdump -w',
  start: (folder, clients, snaplen) => startTcpdumps(folder, [allHosts(clients)], snaplen),
};

export const tcpdumpEach: Contender = {
  name: 'a tcpdump each',
  start: (folder, clients, snaplen) => startTcpdumps(folder, hosts(clients), snaplen),
};

export const lbcap: Contender = {
  name: 'lbcap watch',
  start: (folder, clients, snaplen) => startLbcap(folder, clients, snaplen, 'libpcap'),
};

export const lbcapByCap: Contender = {
  name: 'lbcap, engine cap',
  start: (folder, clients, snaplen) => startLbcap(folder, clients, snaplen, 'cap'),
};

export function clientAddress(index: number): string {
  return `127.77.1.${index + 1}`;
}

function hosts(clients: number): string[] {
  return Array.from({ length: clients }, (_, i) => `host ${clientAddress(i)}`);
}

function allHosts(clients: number): string {
  return hosts(clients).join(' or ');
}

async function startTcpdumps(
  folder: string,
  filters: readonly string[],
  snaplen: number | null,
): Promise<Capture> {
  const files = filters.map((_, i) => `${folder}/tcpdump-${i}.pcap`);
  const programs = files.map((file, i) => {
    const words = ['-i', 'lo', '-Z', 'root', '-w', file];
    if (snaplen !== null) words.push('-s', String(snaplen));
    return new RunningProgram('tcpdump', [...words, filters[i] ?? '']);
  });
  await Promise.all(programs.map((program) => program.waitFor('stderr', /listening on/)));
  return {
    cpu: () => sum(programs.map(({ pid }) => cpuSeconds(pid))),
    // But for the last 4 KiB, which come at its end. Not asked for by SIGUSR2: its handler flushes
    // in the middle of a write, and the file is then damaged (seen with tcpdump 4.99).
    written: () => sum(files.map(sizeOf)),
    end: async () => {
      await Promise.all(programs.map((program) => program.end('SIGINT')));
      const drops = programs.map(({ stderr }) =>
        Number(/(\d+) packets? dropped by kernel/.exec(stderr)?.[1]),
      );
      return { dropped: sum(drops) };
    },
  };
}

async function startLbcap(
  folder: string,
  clients: number,
  snaplen: number | null,
  engine: 'libpcap' | 'cap',
): Promise<Capture> {
  const out = `${folder}/lbcap`;
  const words = ['watch', '--engine', engine, '-o', out];
  for (let i = 0; i < clients; i++) words.push('-l', `c${i}=${clientAddress(i)}`);
  if (snaplen !== null) words.push('-s', String(snaplen));
  // `script` gives it a terminal, so that it draws its table.
  const command = ['exec', process.execPath, lbcapProgram(), ...words].join(' ');
  const program = new RunningProgram('script', ['-qfec', command, '/dev/null']);
  const files = Array.from({ length: clients }, (_, i) => `${out}/c${i}.pcap`);
  await program.waitFor('stdout', /captured 0 packets/);
  while (!files.every((file) => existsSync(file))) await pause(10);
  const pid = onlyChild(program.pid);
  return {
    cpu: () => cpuSeconds(pid),
    written: () => sum(files.map(sizeOf)),
    end: async () => {
      process.kill(pid, 'SIGINT');
      await program.exited;
      // The last table it drew.
      const drops = [...program.stdout.matchAll(/kernel dropped (\d+|\?|unknown|–)/g)].at(-1)?.[1];
      return { dropped: drops === undefined || Number.isNaN(Number(drops)) ? null : Number(drops) };
    },
  };
}

/** The load's datagrams in classic pcap files: a frame of 14 + 20 + 8 + 64 bytes. */
export function countDatagrams(files: readonly string[]): number {
  let count = 0;
  for (const file of files) {
    const bytes = readFileSync(file);
    let at = 24;
    for (let length; at < bytes.length; at += 16 + length) {
      length = bytes.readUInt32LE(at + 8);
      if (length === 106) count += 1;
    }
    if (at !== bytes.length) throw new Error(`${file} is cut in a record`);
  }
  return count;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}
