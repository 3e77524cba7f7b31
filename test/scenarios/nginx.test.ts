/** Hosts told apart by address: nginx with three virtual hosts, and one plain nginx started three times. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacking } from '../requirements.js';
import { capture, labelNamed, type Captured } from './capture.js';
import { assertSamePackets } from './compare.js';
import { Endings } from './endings.js';
import { freePort, outputOf, RunningProgram, waitForPort } from './process.js';
import { connectionsOver } from './quiet.js';
import { lbcapProgram } from './watch.js';

const skip = lacking('capture', 'nginx', 'curl', 'ss', 'tcpdump', 'tshark', 'capinfos');

/** Each is asked another number of times, so that no two could be mistaken for one another. */
const hosts = [
  { name: 'shop', address: '127.0.0.21', requests: 3 },
  { name: 'blog', address: '127.0.0.22', requests: 5 },
  { name: 'api', address: '127.0.0.23', requests: 8 },
] as const;

const labels = hosts.flatMap(({ name, address }) => ['-l', `${name}=${address}`]);

/** The lines that keep an nginx in the foreground and in its own folder. */
function configuration(servers: string): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off; master_process off; pid nginx.pid; error_log stderr;
events {}
http { access_log off; ${folders.map((name) => `${name}_temp_path ${name};`).join(' ')}
${servers}
}
`;
}

/** Without it, whoever asked whether a host is there is still being answered. */
const over = () => connectionsOver(...hosts.map(({ address }) => address));

/** Asks every host by its name, all at once, each request in a connection of its own. */
async function askAll(port: number): Promise<void> {
  await Promise.all(
    hosts.map(async ({ name, address, requests }) => {
      const at = `${name}.test:${port}`;
      for (let i = 0; i < requests; i++) {
        const words = ['-sS', '--resolve', `${at}:${address}`, `http://${at}/`];
        assert.equal(await outputOf('curl', ...words), `I am ${name}\n`);
      }
    }),
  );
  await over();
}

/** A line for each packet of a file, by tshark. */
function fields(file: string | null, ...words: readonly string[]): Promise<string> {
  return outputOf('tshark', '-n', '-r', file ?? '', '-T', 'fields', '-e', ...words);
}

/** Asserts that table and files are by host: what tcpdump has of it, and its requests alone. */
async function assertByHost({ ended, all }: Captured, port: number, scratch: string) {
  for (const { name, address, requests } of hosts) {
    const label = labelNamed(ended, name);
    const display = `ip.addr==${address}`;
    await assertSamePackets(label, { all, bpf: `host ${address}`, display, scratch });
    const asked = await fields(
      label.file,
      ...['ip.dst', '-e', 'http.host', '-Y', 'http.request', '-d', `tcp.port==${port},http`],
    );
    assert.equal(asked, `${address}\t${name}.test:${port}\n`.repeat(requests));
    const sources = (await fields(label.file, 'ip.src')).trim().split('\n');
    const sent = sources.filter((source) => source === address).length;
    const row = `${name} +${address.replaceAll('.', '\\.')}`;
    const counts = new RegExp(`^${row} +([0-9,]+) +\\S+ +([0-9,]+) .* 127\\.0\\.0\\.1$`, 'm');
    const [, out, into] = counts.exec(ended.stderr) ?? assert.fail(ended.stderr);
    assert.deepEqual([out, into].map(Number), [sent, sources.length - sent]);
  }
}

test('virtual hosts by address', { skip, timeout: 60_000 }, async (t) => {
  const endings = new Endings(t);
  const folder = await endings.scratchFolder();
  const port = await freePort('127.0.0.21');
  const servers = hosts.map(
    ({ name, address }) =>
      `server { listen ${address}:${port}; location / { return 200 "I am ${name}\\n"; } }`,
  );
  await writeFile(join(folder, 'nginx.conf'), configuration(servers.join('\n')));
  const nginx = new RunningProgram('nginx', ['-e', 'stderr', '-p', folder, '-c', 'nginx.conf']);
  endings.add(() => nginx.end());
  for (const { address } of hosts) await waitForPort(address, port);

  await over();
  const captured = await capture(folder, labels, () => askAll(port));
  await assertByHost(captured, port, folder);
});

test('a server for one host, three times on one port', { skip, timeout: 60_000 }, async (t) => {
  const endings = new Endings(t);
  const folder = await endings.scratchFolder();
  const port = await freePort('127.0.0.21');
  // The same lines for all three; they know nothing of the addresses.
  const server = `server { listen ${port}; root html; default_type text/plain; }`;
  await writeFile(join(folder, 'nginx.conf'), configuration(server));
  for (const { name, address } of hosts) {
    const home = join(folder, name);
    await mkdir(join(home, 'html'), { recursive: true });
    await writeFile(join(home, 'html', 'index.html'), `I am ${name}\n`);
    const words = ['nginx', '-e', 'stderr', '-p', home, '-c', join(folder, 'nginx.conf')];
    const nginx = new RunningProgram(
      process.execPath,
      [lbcapProgram(), 'run', '--server', `${name}=${address}`, '--', ...words],
      // Under sudo lbcap would run nginx as who called sudo; these folders are root's.
      { ...process.env, SUDO_UID: '', SUDO_GID: '' },
    );
    endings.add(() => nginx.end());
    await waitForPort(address, port);
  }

  await over();
  const captured = await capture(folder, labels, () => askAll(port));
  await assertByHost(captured, port, folder);
});
