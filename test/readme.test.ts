/** Every command of the README, typed into a shell. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ethernet, ipv4, pcapFile, udp } from '../fixtures/frames.js';
import { families, nullCapture } from '../fixtures/null-captures.js';
import { lbcapPath } from './cli/lbcap.js';
import { lacking } from './requirements.js';
import { outputOf } from './scenarios/process.js';

const readme = readFileSync('README.md', 'utf8');
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
};
const root = mkdtempSync(join(tmpdir(), 'lbcap-readme-'));
after(() => rmSync(root, { recursive: true }));

/** The lines of all shell blocks, without comments. */
const commands = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)]
  .flatMap(([, block = '']) => block.split('\n'))
  .map((line) => line.replace(/ +# .*$/, ''))
  .filter((line) => line !== '');

/** A directory like a user's, with an `lbcap` to type, and no one to ask for a password. */
function workplace(): { directory: string; env: NodeJS.ProcessEnv } {
  const directory = mkdtempSync(join(root, 'work-'));
  const bin = join(directory, '.bin');
  mkdirSync(bin);
  const program = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program('lbcap', `exec '${process.execPath}' '${lbcapPath}' "$@"`);
  program('sudo', 'exec "$@"');
  program('ssh', 'shift; exec "$@"');
  for (const name of ['my-client', 'my-server'])
    writeFileSync(join(directory, name), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const mine = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(4000, 9092)));
  writeFileSync(join(directory, 'all.pcap'), pcapFile([{ data: mine }]));
  writeFileSync(join(directory, 'lo0.pcap'), nullCapture(1, false, families.ipv6.macos));
  return {
    directory,
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}`, HOME: directory, CI: 'true' },
  };
}

describe('README', () => {
  const [setUps, others] = [
    commands.filter((command) => command.startsWith('S=')),
    commands.filter((command) => !command.startsWith('S=')),
  ];

  it('has two lines for a fresh machine, which call scripts that exist', () => {
    assert.equal(setUps.length, 2);
    for (const line of setUps) {
      assert.match(line, /apt-get install .*libpcap0\.8/);
      const script = /npm (?:run )?(demo|test)$/.exec(line)?.[1] ?? '';
      assert.ok(manifest.scripts[script], line);
    }
    const ci = readFileSync('.ci/run', 'utf8');
    assert.match(ci, /npm test$/m, 'CI runs the same test command');
    const packages = /install -y --no-install-recommends (.*?) &&/.exec(setUps[1] ?? '')?.[1] ?? '';
    const inCi = /^packages=\(([^)]*)\)$/m.exec(ci)?.[1] ?? '';
    for (const name of packages.split(' ')) assert.ok(inCi.split(/\s+/).includes(name), name);
  });

  it('names every dependency', () => {
    const names = [
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.optionalDependencies),
    ];
    for (const name of names)
      assert.match(readme, new RegExp(`^\\| ${name}\\b.* \\| .+ \\|$`, 'm'));
  });

  it('has a command for everything that it promises', () => {
    for (const word of [
      'watch',
      'split',
      'filter',
      'label',
      'run',
      'ports',
      'alias',
      'doctor',
      'report',
    ]) {
      assert.ok(
        others.some((command) => command.includes(`lbcap ${word}`)),
        word,
      );
    }
  });

  const { directory, env } = workplace();
  for (const command of others) {
    const live = /lbcap (watch|run)|tcpdump -i/.test(command);
    it(command, { skip: live && lacking('capture', 'tcpdump') }, () => {
      // What a reader would end by Ctrl-C, or after half a minute, ends here after one second.
      const shorter = command.replace('--duration 30s', '--duration 1s');
      rmSync(join(directory, 'bug'), { recursive: true, force: true });
      const { status, stderr } = spawnSync(
        'timeout',
        ['--signal=INT', '--kill-after=10', live ? '2' : '20', 'sh', '-c', shorter],
        { cwd: directory, env, encoding: 'utf8', input: '' },
      );
      // 124: timeout ended it, by the signal that Ctrl-C sends.
      const endless = live && shorter === command && !command.includes('lbcap run');
      const expected = endless ? [0, 124] : [0];
      assert.ok(expected.includes(status ?? -1), `${status}: ${stderr}`);
      assert.doesNotMatch(stderr, /^lbcap: .*(error|cannot)/m);
      if (/ -o bug\b/.test(command)) assert.ok(existsSync(join(directory, 'bug')));
    });
  }

  it('binds clients as its table says', { skip: lacking('curl', 'python3') }, async () => {
    const cell = (program: string) =>
      new RegExp(`^\\| ${program} +\\| +\`(.*)\` +\\|$`, 'm').exec(readme)?.[1] ?? '';
    const seen: (string | undefined)[] = [];
    const web = createServer((request, response) => {
      seen.push(request.socket.remoteAddress);
      response.end();
    });
    const plain = createTcpServer((socket: Socket) => {
      seen.push(socket.remoteAddress);
      socket.end();
    });
    for (const server of [web, plain]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    const port = ({ address }: { address: () => unknown }) =>
      String((address() as AddressInfo).port);
    try {
      const curl = cell('curl').replace('8080', port({ address: () => web.address() }));
      await outputOf('sh', '-c', `${curl} -s`);
      const at = port({ address: () => plain.address() });
      await outputOf(
        process.execPath,
        '-e',
        `const net = require('net'), port = ${at}; ${cell('Node')}.resume()`,
      );
      await outputOf('python3', '-c', `import socket; port = ${at}; ${cell('Python')}.recv(1)`);
    } finally {
      web.close();
      plain.close();
    }
    assert.deepEqual(seen, ['127.0.0.2', '127.0.0.2', '127.0.0.2']);
  });
});
