/** One message through three mail servers, one exim started three times: each hop's file has it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Report } from '../../src/handover/report.js';
import { lacking } from '../requirements.js';
import { capture, labelNamed } from './capture.js';
import { assertSamePackets } from './compare.js';
import { Endings } from './endings.js';
import { outputOf, RunningProgram, waitForPort } from './process.js';
import { connectionsOver } from './quiet.js';
import { lbcapProgram } from './watch.js';

const skip = lacking('capture', 'exim4', 'curl', 'ss', 'tcpdump', 'tshark', 'capinfos');

const author = '127.0.0.30';
const hops = ['127.0.0.31', '127.0.0.32', '127.0.0.33'] as const;
const messageId = '<one@author.test>';

const message = `From: author@author.test
To: reader@reader.test
Message-ID: ${messageId}
Date: Sun, 22 Nov 2026 00:00:00 +0000
Subject: through three servers

${'All of it goes from hop to hop.\n'.repeat(200)}`;

/**
 * Where mail goes next; the last hop keeps it. No address of its own is in here. exim listens on
 * `[::]` for IPv6 alone first, then on 0.0.0.0.
 */
function configuration(folder: string, name: string, next: string | undefined): string {
  const router =
    next === undefined
      ? 'driver = accept\n  transport = inbox'
      : `driver = manualroute\n  route_list = * ${next}\n  transport = relay\n  self = send`;
  return `primary_hostname = ${name}.test
spool_directory = ${folder}/spool
log_file_path = ${folder}/%slog
pid_file_path = ${folder}/pid
daemon_smtp_ports = 25
keep_environment =
acl_smtp_rcpt = all
tls_advertise_hosts =
chunking_advertise_hosts =
deliver_drop_privilege = true
begin acl
all:
  accept
begin routers
only:
  ${router}
begin transports
relay:
  driver = smtp
  allow_localhost = true
inbox:
  driver = appendfile
  file = ${folder}/inbox
  user = Debian-exim
`;
}

/** Starts exim as the hop at an address, which only lbcap tells it. */
async function startHop(root: string, index: number, endings: Endings): Promise<void> {
  const name = `mx${index + 1}`;
  const folder = join(root, name);
  await mkdir(folder);
  execFileSync('chown', ['Debian-exim:', folder]);
  const file = join(root, `${name}.conf`);
  await writeFile(file, configuration(folder, name, hops[index + 1]));
  const words = ['run', '--server', `${name}=${hops[index]}`, '--', 'exim4', '-bdf', '-C', file];
  // Under sudo lbcap would run exim as who called sudo; this exim is root's.
  const env = { ...process.env, SUDO_UID: '', SUDO_GID: '' };
  const program = new RunningProgram(process.execPath, [lbcapProgram(), ...words], env);
  endings.add(() => program.end());
  await Promise.race([
    waitForPort(hops[index], 25),
    program.exited.then(() => assert.fail(`exim4 ended: ${program.stderr}`)),
  ]);
}

/** The text of a file once it holds all of the message. */
async function delivered(file: string): Promise<string> {
  const end = message.trimEnd().slice(-100);
  for (const until = performance.now() + 20_000; ; await pause(20)) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.includes(end)) return text;
    if (performance.now() > until) throw new Error(`${file} has no message: ${text}`);
  }
}

/** `report` has the hops in order, each once though two files have it, and the chain that they make. */
async function assertReported(directory: string, path: readonly string[]): Promise<void> {
  const words = [lbcapProgram(), 'report', '--labels', 'fixtures/no-labels.json', directory];
  const json = await outputOf(process.execPath, ...words, '--json', '--all');
  const { hops: reported, labels, chains } = JSON.parse(json) as Report;
  const named = labels.map(({ name, address }) => `${name}=${address}`);
  assert.deepEqual(
    named,
    hops.map((address, index) => `mx${index + 1}=${address}`),
  );
  const mails = reported.rows.filter(({ to }) => to.port === 25);
  assert.deepEqual(
    mails.map(({ from, to, ending }) => [from.address, to.address, ending]),
    hops.map((address, index) => [path[index], address, 'closed']),
  );
  const way = [author, 'mx1', 'mx2', 'mx3'];
  assert.ok(
    chains.some((chain) => chain.path.join() === way.join()),
    json,
  );
  const markdown = await outputOf(process.execPath, ...words);
  assert.ok(markdown.includes(way.map((name) => `\`${name}\``).join(' → ')), markdown);
  // Each hop's file has it, as tshark counts it.
  for (const { from, to, out, in: back } of mails) {
    for (const label of [from.label, to.label].filter((name) => name !== null)) {
      const [file = ''] = labels.find(({ name }) => name === label)?.files ?? [];
      const ports = `tcp.port==${from.port} && tcp.port==25`;
      const frames = await outputOf('tshark', '-n', '-r', join(directory, file), '-Y', ports);
      assert.equal(frames.trim().split('\n').length, out.packets + back.packets, file);
    }
  }
}

test('a message through three mail servers on port 25', { skip, timeout: 60_000 }, async (t) => {
  const endings = new Endings(t);
  const folder = await endings.scratchFolder();
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'message'), message.replaceAll('\n', '\r\n'));
  for (const index of hops.keys()) await startHop(folder, index, endings);
  // exim is still greeting who asked whether it is there.
  await connectionsOver(...hops);

  const labels = hops.flatMap((address, index) => ['-l', `mx${index + 1}=${address}`]);
  let received = '';
  const { ended, all } = await capture(folder, labels, async () => {
    const mail = ['--mail-from', 'author@author.test', '--mail-rcpt', 'reader@reader.test'];
    await outputOf(
      ...([process.execPath, lbcapProgram(), 'run', '-q', `author=${author}`, '--'] as const),
      ...['curl', '-sS', `smtp://${hops[0]}/author.test`, ...mail, '-T', join(folder, 'message')],
    );
    received = await delivered(join(folder, 'mx3', 'inbox'));
    await connectionsOver(...hops);
  });

  // The last hop's is on top (RFC 5321, section 4.4).
  const path = [author, ...hops];
  const stamps = [...received.matchAll(/^Received: from .*?\[([0-9.]+)\][^]*?by (\S+) /gm)];
  assert.deepEqual(
    stamps.map(([, from, by]) => [from, by]),
    [
      [path[2], 'mx3.test'],
      [path[1], 'mx2.test'],
      [path[0], 'mx1.test'],
    ],
  );

  for (const [index, address] of hops.entries()) {
    const label = labelNamed(ended, `mx${index + 1}`);
    const display = `ip.addr==${address}`;
    await assertSamePackets(label, { all, bpf: `host ${address}`, display, scratch: folder });
    // It comes in, and but for the last hop it goes out again.
    const transfers = await outputOf(
      ...(['tshark', '-n', '-r', label.file ?? '', '-Y', 'imf', '-T', 'fields'] as const),
      ...['-e', 'ip.src', '-e', 'ip.dst', '-e', 'imf.message_id'],
    );
    const expected = path
      .slice(index, index + 3)
      .slice(0, -1)
      .map((from, step) => `${from}\t${path[index + step + 1]}\t${messageId}\n`);
    assert.equal(transfers, expected.join(''));
  }
  await assertReported(dirname(labelNamed(ended, 'mx1').file ?? ''), path);
});
