/** Unmodified programs under `lbcap run`: each connection comes from the label's address. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lacking } from '../requirements.js';
import {
  clientPrograms,
  transports,
  type ClientProgram,
  type Transport,
} from './client-programs.js';
import { Peer } from './peer.js';
import { outputOf, RunningProgram } from './process.js';
import { lbcapProgram, Watch } from './watch.js';

type Method = 'bpf' | 'seccomp';
const methods: readonly Method[] = ['bpf', 'seccomp'];

let directory = '';
let peer: Peer;
/** The table's cells: client, method, transport. */
const cells = new Map<string, string>();
const key = (...parts: readonly string[]) => parts.join('|');

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lbcap-clients-'));
  // For programs that run as nobody.
  chmodSync(directory, 0o755);
  peer = await Peer.start();
});

after(() => {
  peer.close();
  rmSync(directory, { recursive: true, force: true });
});

/** An address for each client and method, so that a capture tells them apart. */
function addressOf(index: number, method: Method): string {
  return `127.0.${method === 'bpf' ? 2 : 3}.${index + 1}`;
}

interface Answer {
  readonly peerSaw: string;
  readonly stderr: string;
  readonly status: number | null;
}

async function run(words: readonly string[]): Promise<Answer> {
  const program = new RunningProgram(process.execPath, [lbcapProgram(), 'run', ...words]);
  const { code } = await program.exited;
  return { peerSaw: program.stdout.trim(), stderr: program.stderr, status: code };
}

/** The option it takes; for datagrams by sendmsg(2), of which seccomp hears nothing, it binds first. */
function takesRebind(client: ClientProgram, method: Method, transport: Transport): boolean {
  if (client.bindsFirst?.includes(transport) === true) return true;
  return method === 'seccomp' && transport === 'UDP sendto' && client.sendsByMessage === true;
}

for (const method of methods) {
  test(`every client, by ${method}`, { skip: lacking('capture', 'tshark') }, async (t) => {
    const able = clientPrograms().map((client, index) => ({ client, index }));
    const labels = able.flatMap(({ index }) => [
      '-l',
      `client-${index}=${addressOf(index, method)}`,
    ]);
    const out = join(directory, method);
    const watch = await Watch.start('-o', out, '--others', '-f', `port ${peer.port}`, ...labels);
    for (const { client, index } of able) {
      await t.test(client.name, { skip: lacking(...client.needs) }, async () => {
        client.build?.(directory);
        for (const transport of transports) {
          const words = client.words(transport, peer.port, directory);
          if (words === null) continue;
          const label = `client-${index}=${addressOf(index, method)}`;
          const rebind = takesRebind(client, method, transport);
          const options = ['--method', method, ...(rebind ? ['--rebind'] : [])];
          const { peerSaw, stderr, status } = await run([...options, label, '--', ...words]);
          assert.equal(peerSaw, addressOf(index, method), `${transport}: ${stderr}`);
          assert.equal(status, 0, stderr);
          cells.set(key(client.name, method, transport), rebind ? '`--rebind`' : 'yes');
        }
      });
    }
    const { end } = await watch.stop();
    // Of each client there are packets, and none is left for 127.0.0.1 alone.
    for (const { client, index } of able) {
      if (!transports.some((transport) => cells.has(key(client.name, method, transport)))) continue;
      const seen = end.labels.find(({ name }) => name === `client-${index}`)?.packets ?? 0;
      assert.ok(seen > 0, client.name);
    }
    const others = await outputOf(
      'tshark',
      '-r',
      join(out, 'others.pcap'),
      '-T',
      'fields',
      '-e',
      'udp.dstport',
      '-Y',
      `udp.dstport == ${peer.port} or tcp`,
    );
    assert.equal(others, '');
  });
}

// The README has it, between two comments. LBCAP_TABLE=1 writes it; without, it has to be up to date.
test('the table of clients', { skip: lacking('capture') }, (t) => {
  const text = readFileSync('README.md', 'utf8');
  const [start, stop] = ['<!-- clients -->', '<!-- /clients -->'];
  const [from, to] = [text.indexOf(start) + start.length, text.indexOf(stop)];
  assert.ok(from >= start.length && to > from, 'the README has no place for the table');
  const table = tableOfClients();
  t.diagnostic(`\n${table.map((row) => row.join(' | ')).join('\n')}`);
  if (process.env['LBCAP_TABLE'] === '1') {
    writeFileSync('README.md', `${text.slice(0, from)}\n\n${markdown(table)}\n\n${text.slice(to)}`);
    return;
  }
  const published = text
    .slice(from, to)
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[ |:-]*$/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  for (const row of table.slice(1)) {
    // Of a program that this machine lacks nothing was found out.
    if (row.slice(1).every((cell) => cell === '')) continue;
    assert.deepEqual(
      published.find(([name]) => name === row[0]),
      row,
    );
  }
});

/** Rows of cells, the head first. A cell says what both methods need, or each where they differ. */
function tableOfClients(): string[][] {
  const rows = clientPrograms().map(({ name }) => [
    name,
    ...transports.map((transport) => {
      const [bpf, seccomp] = methods.map((method) => cells.get(key(name, method, transport)) ?? '');
      return bpf === seccomp ? bpf : `bpf: ${bpf}, seccomp: ${seccomp}`;
    }),
  ]);
  return [['client', ...transports], ...rows];
}

function markdown([head, ...rows]: string[][]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
