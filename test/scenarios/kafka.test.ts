/** One client of three real Kafka brokers: its file holds its packets and no other's, and they dissect. */
import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { lacking } from '../requirements.js';
import { assertSamePackets } from './compare.js';
import {
  backgroundWords,
  consoleClient,
  goLangClient,
  kcat,
  nodeClient,
  pythonClient,
  type KafkaClient,
  type Task,
} from './kafka/clients.js';
import { KafkaCluster, threeAddresses, threePorts } from './kafka/cluster.js';
import { fetch, kafkaRequests, produce } from './kafka/dissection.js';
import { kafkaClassPath, Unreachable } from './kafka/downloads.js';
import { outputOf, RunningProgram } from './process.js';
import { Tcpdump } from './tcpdump.js';
import { lbcapProgram, Watch, type Ended } from './watch.js';

const address = '127.0.0.2';
const records = 100;
const skip = lacking(
  ...['capture', 'java', 'mvn', 'npm', 'python3', 'go', 'kcat', 'ss'],
  ...['tcpdump', 'tshark', 'capinfos'],
);

let folder = '';
let classPath = '';
/** The background is one of these, too: without it there is no test. */
let node: KafkaClient;
/** Why there is no Kafka here, which is no failure even in CI: a registry does not answer. */
let noKafka: string | null = null;
const clients: KafkaClient[] = [];
/** The clients that are not here, and why. */
const noClients: string[] = [];

/** What is downloaded, or why it is not here: a registry that does not answer. Anything else is thrown. */
async function unlessUnreachable<T>(downloaded: Promise<T>): Promise<T | Unreachable> {
  try {
    return await downloaded;
  } catch (error) {
    if (error instanceof Unreachable) return error;
    throw error;
  }
}

before(async () => {
  if (skip !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'lbcap-kafka-'));
  const [jars, inNode, ...others] = await Promise.all([
    unlessUnreachable(kafkaClassPath(folder)),
    unlessUnreachable(nodeClient(folder)),
    unlessUnreachable(pythonClient(folder)),
    unlessUnreachable(goLangClient(folder)),
  ]);
  if (jars instanceof Unreachable || inNode instanceof Unreachable) {
    noKafka = [jars, inNode].find((one) => one instanceof Unreachable)?.message ?? null;
    return;
  }
  classPath = jars;
  node = inNode;
  clients.push(consoleClient(classPath), kcat, node);
  for (const client of others) {
    if (client instanceof Unreachable) noClients.push(client.message);
    else clients.push(client);
  }
});

after(async () => {
  if (folder !== '') await rm(folder, { recursive: true, force: true });
});

for (const layout of [threePorts, threeAddresses]) {
  test(`three Kafka brokers: ${layout.name}`, { skip, timeout: 240_000 }, async (t) => {
    if (noKafka !== null) {
      t.skip(noKafka);
      return;
    }
    for (const reason of noClients) t.diagnostic(`a client is left out: ${reason}`);
    const place = join(folder, layout.name.replaceAll(/\W+/g, '-'));
    await mkdir(place);
    const cluster = await KafkaCluster.start(layout, classPath, place);
    try {
      await isolateClients(t, cluster, place);
    } finally {
      await cluster.end();
    }
    if (layout === threeAddresses)
      for (const text of cluster.stderr) assert.match(text, /2 listens moved to 127\.0\.0\.1[123]/);
  });
}

/** Runs all clients from the label's address, beside others, and looks into the label's file. */
async function isolateClients(t: TestContext, cluster: KafkaCluster, place: string): Promise<void> {
  await Promise.all(['orders', 'background'].map((topic) => cluster.createTopic(topic)));
  const file = join(place, 'records');
  await writeFile(file, 'a record\n'.repeat(records));
  const background = await startBackground(cluster);
  const all = join(place, 'all.pcap');
  let ended: Ended;
  try {
    // All of the label's, and all that the brokers say to anyone; udp is tcpdump's own mark. What else
    // the machine does on its loopback would only fill the file.
    const spoken = cluster.ports.map((port) => `tcp port ${port}`).join(' or ');
    const tcpdump = await Tcpdump.start(all, [`host ${address} or udp or ${spoken}`]);
    try {
      const out = join(place, 'out');
      const watch = await Watch.start('--label', `kafka-client=${address}`, '-o', out);
      try {
        for (const [index, client] of clients.entries()) {
          const task = { bootstrap: cluster.bootstrap, topic: 'orders', file, records };
          const before = background.stdout.length;
          await useClient(client, { ...task, total: records * (index + 1) });
          t.diagnostic(`${client.name}; background: ${background.stdout.length - before} records`);
        }
        await lastPacket();
      } finally {
        ended = await watch.stop();
      }
    } finally {
      await tcpdump.end();
    }
  } finally {
    await background.end('SIGKILL');
  }
  assert.equal(ended.status, 0, ended.stderr);
  assert.equal(ended.end.kernelDropped, 0, 'lbcap lost packets');
  const [label] = ended.end.labels;
  t.diagnostic(`kafka-client.pcap: ${label.packets} packets`);
  const display = `ip.addr==${address}`;
  await assertSamePackets(label, { all, bpf: `host ${address}`, display, scratch: place });
  await assertDissected(label.file ?? '', all, cluster.ports);
}

/** Records written and read on the same brokers, from 127.0.0.1. */
async function startBackground(cluster: KafkaCluster): Promise<RunningProgram> {
  const [command = '', ...words] = backgroundWords(cluster.bootstrap, 'background');
  const [{ env }] = node.steps;
  const background = new RunningProgram(command, words, { ...process.env, ...env });
  await background.waitFor('stdout', /\./, 30_000);
  return background;
}

/** Its commands, unmodified, by `lbcap run`. */
async function useClient({ name, steps }: KafkaClient, task: Task): Promise<void> {
  for (const { words, env, prints } of steps) {
    const run = [lbcapProgram(), 'run', `kafka-client=${address}`, '--', ...words(task)];
    const program = new RunningProgram(process.execPath, run, { ...process.env, ...env });
    const { code } = await program.exited;
    const said = `${name}: ${program.stdout.slice(-500)}${program.stderr}`;
    assert.equal(code, 0, said);
    assert.match(program.stderr, /[1-9]\d* connections? labelled\n$/, said);
    const expected = prints?.(task);
    if (typeof expected === 'string') assert.equal(program.stdout, expected, said);
    if (typeof expected === 'number')
      assert.equal(program.stdout.split('\n').length - 1, expected, said);
  }
}

/** Resolves when no connection of the label's has anything left to send. */
async function lastPacket(): Promise<void> {
  const until = performance.now() + 10_000;
  for (;;) {
    // What is in TIME_WAIT has sent everything, and is not in this list.
    const open = await outputOf('ss', '-Htn', `src ${address} or dst ${address}`);
    if (open === '') return;
    if (performance.now() > until) throw new Error(`connections stay open: ${open}`);
    await pause(20);
  }
}

/** tshark finds the requests of every client in the file, and of nobody else, though there were others. */
async function assertDissected(file: string, all: string, ports: readonly string[]): Promise<void> {
  const requests = await kafkaRequests(file, ports);
  const own = new Set(clients.flatMap(({ producerId, consumerId }) => [producerId, consumerId]));
  assert.deepEqual(new Set(requests.map(({ clientId }) => clientId)), own);
  for (const { name, producerId, consumerId, wholeInTshark } of clients) {
    for (const [clientId, apiKey] of [
      [producerId, produce],
      [consumerId, fetch],
    ] as const) {
      const found = requests.filter((one) => one.clientId === clientId && one.apiKey === apiKey);
      assert.ok(found.length > 0, `${name}: no request ${apiKey} of ${clientId}`);
      if (wholeInTshark)
        assert.ok(
          found.some(({ topics }) => topics.includes('orders')),
          name,
        );
    }
  }
  const everyone = new Set((await kafkaRequests(all, ports)).map(({ clientId }) => clientId));
  assert.ok(everyone.has('background'), 'the background client spoke');
  // A broker's name for the one that fetches for a replica.
  assert.ok(
    [...everyone].some((id) => /^broker-\d-fetcher/.test(id)),
    'brokers replicated',
  );
}
