/**
 * Runs the packed tarball, installed into an empty folder, with every Node that lbcap is for: a line
 * for each, and status 1 when one fails. Needs root, to capture. npm's `node-linux-*` carry them.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ethernet, ipv4, pcapFile, udp } from '../fixtures/frames.js';
import { ownAddress, Sender } from '../test/live/traffic.js';
import { Peer } from '../test/scenarios/peer.js';
import { RunningProgram } from '../test/scenarios/process.js';

/** The first is what package.json's `engines` begins with. */
const versions = ['20', '22', '24', 'latest'];

/** Runs a program to its end and gives its stdout, as a user of this Node would. */
type Shell = (command: string, ...words: readonly string[]) => Promise<string>;

/** @param path folders in front of PATH */
function shellIn(folder: string, ...path: readonly string[]): Shell {
  const PATH = [...path, process.env['PATH']].join(delimiter);
  return async (command, ...words) => {
    const program = new RunningProgram('env', ['-C', folder, command, ...words], {
      ...environment,
      PATH,
    });
    const { code, signal } = await program.exited;
    const { stdout, stderr } = program;
    assert.equal(code, 0, `${command} ${words.join(' ')}: ${code ?? signal}: ${stdout}${stderr}`);
    return stdout;
  };
}

/** Under sudo lbcap would give up root for who called it, and these folders are root's. */
const environment = { ...process.env, SUDO_UID: '', SUDO_GID: '' };

/** What each Node must do; throws where it does not. */
const checks: Readonly<Record<string, (lbcap: Shell, home: string) => Promise<void>>> = {
  async version(lbcap) {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    assert.equal(await lbcap('lbcap', '--version'), `${version}\n`);
    assert.equal(await lbcap('npx', '--no', '--', 'lbcap', '--version'), `${version}\n`);
  },

  async library(lbcap, home) {
    const script = "import * as l from 'lbcap'; console.log(new l.LbcapError('USAGE', 'x').code)";
    writeFileSync(join(home, 'use.mjs'), script);
    assert.equal(await lbcap('node', join(home, 'use.mjs')), 'USAGE\n');
  },

  async filter(lbcap) {
    const words = ['filter', '-l', 'a=127.0.0.2', '--for', 'wireshark'];
    assert.equal(await lbcap('lbcap', ...words), 'ip.addr==127.0.0.2\n');
  },

  async split(lbcap, home) {
    const packet = (address: string) => ({
      data: ethernet(0x0800, ipv4(address, '127.0.0.1', udp(4000, 9092))),
    });
    const [mine, all] = [[packet('127.0.0.2')], [packet('127.0.0.2'), packet('127.0.0.3')]];
    const input = join(home, 'all.pcap');
    writeFileSync(input, pcapFile(all));
    const out = join(home, 'split');
    await lbcap('lbcap', 'split', input, '-l', 'a=127.0.0.2', '-o', out);
    assert.deepEqual(readFileSync(join(out, 'a.pcap')), Buffer.from(pcapFile(mine)));
  },

  async watch(lbcap, home) {
    const address = ownAddress();
    const out = join(home, 'watch');
    const words = ['--json', '-l', `a=${address}`, '-o', out, '--packets', '100'];
    const watching = lbcap('lbcap', 'watch', ...words, '--duration', '20s');
    const sender = await Sender.at(address);
    try {
      // The file is there once it captures.
      while (readIfThere(out) === 0) await Promise.race([watching, nextTurn()]);
      await sender.send(100);
      assert.match((await watching).trimEnd().split('\n').at(-1) ?? '', /"packets":100,/);
    } finally {
      sender.close();
    }
    // Record, Ethernet, IPv4 and UDP headers before 64 bytes.
    const size = 24 + 100 * (16 + 14 + 20 + 8 + 64);
    assert.equal(readFileSync(join(out, 'a.pcap')).length, size);
  },

  async run(lbcap) {
    const peer = await Peer.start();
    const script = `require('net').connect(${peer.port}, '127.0.0.1').end('who\\n').pipe(process.stdout)`;
    try {
      for (const method of ['bpf', 'seccomp']) {
        const words = ['run', '-q', '--method', method, 'a=127.0.0.79', '--'];
        assert.equal(await lbcap('lbcap', ...words, 'node', '-e', script), '127.0.0.79\n');
      }
    } finally {
      peer.close();
    }
  },
};

function readIfThere(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

const root = mkdtempSync(join(tmpdir(), 'lbcap-nodes-'));
try {
  const here = shellIn('.');
  await here('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', root);
  const tarball = join(root, readdirSync(root)[0]);
  for (const version of versions) {
    const home = join(root, version);
    mkdirSync(home);
    const prefix = join(home, 'node');
    const carrier = `node-linux-${process.arch}`;
    const install = ['install', '--silent', '--no-save', '--ignore-scripts', '--prefix'];
    await here('npm', ...install, prefix, `${carrier}@${version}`);
    await here('npm', ...install, home, tarball);
    const node = join(prefix, 'node_modules', carrier, 'bin');
    const lbcap = shellIn(home, join(home, 'node_modules', '.bin'), node);
    const name = (await lbcap('node', '--version')).trim();
    try {
      for (const check of Object.values(checks)) await check(lbcap, home);
      process.stdout.write(`Node ${name}: ${Object.keys(checks).join(', ')}: ok\n`);
    } catch (error) {
      process.exitCode = 1;
      process.stdout.write(`Node ${name}: ${String(error)}\n`);
    }
    rmSync(home, { recursive: true });
  }
} finally {
  rmSync(root, { recursive: true });
}
