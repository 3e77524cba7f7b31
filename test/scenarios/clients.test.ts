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

/** What cannot work, and so must not be claimed to: the cell's text, or `null`. */
function limitOf(client: ClientProgram, method: Method, transport: Transport): string | null {
  if (method === 'bpf') return null;
  if (transport === 'UDP sendto') return 'no';
  return client.bindsFirst?.includes(transport) === true ? 'no' : null;
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
    let unlabelled = 0;
    for (const { client, index } of able) {
      await t.test(client.name, { skip: lacking(...client.needs) }, async () => {
        client.build?.(directory);
        for (const transport of transports) {
          const words = client.words(transport, peer.port, directory);
          if (words === null) continue;
          const label = `client-${index}=${addressOf(index, method)}`;
          const rebind = method === 'bpf' && client.bindsFirst?.includes(transport) === true;
          const options = ['--method', method, ...(rebind ? ['--rebind'] : [])];
          const { peerSaw, stderr, status } = await run([...options, label, '--', ...words]);
          const limit = limitOf(client, method, transport);
          const expected = limit === null ? addressOf(index, method) : '127.0.0.1';
          assert.equal(peerSaw, expected, `${transport}: ${stderr}`);
          assert.equal(status, 0, stderr);
          if (limit !== null) unlabelled += 1;
          cells.set(key(client.name, method, transport), limit ?? (rebind ? '`--rebind`' : 'yes'));
        }
      });
    }
    const { end } = await watch.stop();
    // Of each labelled client there are packets; of 127.0.0.1 to 127.0.0.1 only what cannot be labelled.
    for (const { client, index } of able) {
      if (!transports.some((transport) => cells.has(key(client.name, method, transport)))) continue;
      const seen = end.labels.find(({ name }) => name === `client-${index}`)?.packets ?? 0;
      const some = transports.some((transport) => {
        const cell = cells.get(key(client.name, method, transport));
        return cell !== undefined && cell !== 'no';
      });
      assert.equal(seen > 0, some, `${client.name}: ${seen} packets`);
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
    assert.equal(others.split('\n').filter(Boolean).length, unlabelled, others);
  });
}

test('the table of clients', { skip: lacking('capture') }, (t) => {
  const table = markdown();
  t.diagnostic(`\n${table}`);
  const path = process.env['LBCAP_TABLE'];
  if (path === undefined) return;
  const text = readFileSync(path, 'utf8');
  const [start, stop] = ['<!-- clients -->', '<!-- /clients -->'];
  const [from, to] = [text.indexOf(start), text.indexOf(stop)];
  assert.ok(from >= 0 && to > from, `${path} has no place for the table`);
  writeFileSync(path, `${text.slice(0, from)}${start}\n${table}\n${text.slice(to)}`);
});

function markdown(): string {
  const columns = methods.flatMap((method) =>
    transports.map((transport) => [method, transport] as const),
  );
  const rows = clientPrograms().map(({ name }) => [
    name,
    ...columns.map(([method, transport]) => cells.get(key(name, method, transport)) ?? ''),
  ]);
  const head = ['client', ...columns.map(([method, transport]) => `${method}: ${transport}`)];
  const line = (cellsOfRow: readonly string[]) => `| ${cellsOfRow.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
