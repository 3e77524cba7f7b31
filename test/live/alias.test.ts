/** `lbcap alias` on a real loopback: that of a network namespace of its own. Needs root. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { lbcapPath } from '../cli/lbcap.js';
import { lacking } from '../requirements.js';
import { RunningProgram } from '../scenarios/process.js';

const skip = lacking('capture', 'ip', 'unshare', 'nsenter', 'setpriv');
const root = mkdtempSync(join(tmpdir(), 'lbcap-alias-'));
let holder: ChildProcess | undefined;
after(() => {
  holder?.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

/** nsenter's words in front of a command. */
function inside(): string[] {
  return ['-t', String(holder?.pid), '-n'];
}

const env: NodeJS.ProcessEnv = {
  ...process.env,
  HOME: root,
  XDG_RUNTIME_DIR: join(root, 'run'),
  SUDO_UID: '',
  SUDO_GID: '',
};

function lbcap(...words: readonly string[]) {
  return spawnSync('nsenter', [...inside(), process.execPath, lbcapPath, 'alias', ...words], {
    env,
    encoding: 'utf8',
    timeout: 30_000,
  });
}

/** Those of lo beside ::1, by iproute2. */
function addresses(): string[] {
  const text = execFileSync('nsenter', [...inside(), 'ip', '-6', '-o', 'addr', 'show', 'lo'], {
    encoding: 'utf8',
  });
  return [...text.matchAll(/inet6 (\S+)/g)]
    .map(([, found]) => found)
    .filter((a) => a !== '::1/128');
}

/** A session whose command has begun. */
async function session(label: string, script = 'echo there; exec sleep 60', environment = env) {
  const program = new RunningProgram(
    'nsenter',
    [
      ...[...inside(), process.execPath, lbcapPath, 'alias', 'add', '--for-session', '-l', label],
      ...['--', 'sh', '-c', script],
    ],
    environment,
  );
  await program.waitFor('stdout', /there/);
  return program;
}

function records(): string[] {
  return readdirSync(join(root, 'run', 'lbcap'));
}

describe('lbcap alias on Linux', { skip }, () => {
  before(async () => {
    holder = spawn(
      'unshare',
      ['-n', 'sh', '-c', 'ip link set lo up && echo up && exec sleep 600'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    await once(holder.stdout!, 'data');
  });
  beforeEach(() => {
    assert.deepEqual(addresses(), []);
  });

  it('adds, lists and removes; a program can bind there meanwhile', () => {
    assert.equal(lbcap('add', '-l', 'a=127.0.0.2', '-l', 'b=fd00::2,fd00::10-fd00::13').status, 0);
    assert.deepEqual(addresses().sort(), [
      ...['fd00::10/128', 'fd00::11/128', 'fd00::12/128', 'fd00::13/128', 'fd00::2/128'],
    ]);
    const script = "require('net').createServer().listen(0,'fd00::13',function(){this.close()})";
    execFileSync('nsenter', [...inside(), process.execPath, '-e', script]);
    const listed = lbcap('ls', '--json', '-l', 'b=fd00::2', '-l', 'c=fd00::99');
    const rows = listed.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { address: string; present: boolean });
    assert.deepEqual(
      rows.slice(0, 2).map(({ address, present }) => [address, present]),
      [
        ['fd00::2', true],
        ['fd00::99', false],
      ],
    );
    assert.equal(lbcap('rm', 'fd00::2', 'fd00::10-fd00::13').status, 0);
  });

  it('one that is refused takes those before it along', () => {
    const { status, stderr } = lbcap('add', 'fd00::2', 'ff02::1');
    assert.equal(status, 1);
    assert.match(stderr, /^lbcap: ip address add ff02::1\/128 dev lo failed \(.+\)$/m);
  });

  it('a session gives the status of its command', () => {
    for (const [script, status] of [
      ['ip -6 -o addr show lo | grep -q fd00::2', 0],
      ['exit 7', 7],
      ['kill -9 $$', 137],
    ] as const) {
      const ended = lbcap('add', '--for-session', '-l', 'a=fd00::2', '--', 'sh', '-c', script);
      assert.equal(ended.status, status, ended.stderr);
      assert.deepEqual(addresses(), []);
    }
    assert.equal(
      lbcap('add', '--for-session', '-l', 'a=fd00::2', '--', 'no-such-program').status,
      127,
    );
    assert.deepEqual(records(), []);
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`a session that ${signal} ends leaves nothing`, async () => {
      const program = await session('a=fd00::2');
      assert.deepEqual(addresses(), ['fd00::2/128']);
      const { code } = await program.end(signal);
      assert.equal(code, { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
      assert.deepEqual([addresses(), records()], [[], []]);
    });
  }

  it('after SIGKILL the next start removes what was left, and says so', async () => {
    const program = await session('a=fd00::2,fd00::3', 'echo there; read line');
    await program.end('SIGKILL');
    assert.equal(addresses().length, 2);
    const { stderr } = lbcap('ls');
    assert.match(stderr, /removed fd00::2, fd00::3, left by a session that was killed/);
    assert.deepEqual([addresses(), records()], [[], []]);
  });

  it('of two sessions that need one address, the last takes it away', async () => {
    const first = await session('a=fd00::2,fd00::3');
    const second = await session('b=fd00::3,fd00::4');
    await first.end();
    assert.deepEqual(addresses().sort(), ['fd00::3/128', 'fd00::4/128']);
    await second.end();
    assert.deepEqual([addresses(), records()], [[], []]);
  });

  it('what was there before a session is there after it', async () => {
    lbcap('add', 'fd00::5');
    await (await session('a=fd00::5,fd00::6')).end();
    assert.deepEqual(addresses(), ['fd00::5/128']);
    lbcap('rm', 'fd00::5');
  });

  it('under sudo the command is the caller’s', async () => {
    const caller = { ...env, SUDO_UID: '65534', SUDO_GID: '65534', SUDO_USER: 'nobody' };
    const program = await session('a=fd00::2', 'id -u; echo there', caller);
    assert.equal((await program.exited).code, 0);
    assert.match(program.stdout, /^65534$/m);
  });

  it('without the right it says how to get it', () => {
    const { status, stderr } = spawnSync(
      'nsenter',
      [
        ...[...inside(), 'setpriv', '--reuid=65534', '--clear-groups', process.execPath, lbcapPath],
        ...['alias', 'add', 'fd00::2'],
      ],
      { env: { ...env, HOME: '/nonexistent', XDG_RUNTIME_DIR: '' }, encoding: 'utf8', cwd: '/' },
    );
    assert.equal(status, 1);
    assert.match(stderr, /^lbcap: no right to change .*: run it as root \(sudo /);
  });
});
