/** `lbcap doctor` on this machine: as root, as nobody, without libpcap, on a loopback that is down. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Finding } from '../../src/loopback/diagnosis.js';
import { lbcapPath } from '../cli/lbcap.js';
import { lacking } from '../requirements.js';

const skip = lacking('capture', 'setpriv', 'unshare', 'ip');
const home = mkdtempSync(join(tmpdir(), 'lbcap-doctor-'));
chmodSync(home, 0o755);
after(() => rmSync(home, { recursive: true }));

const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, NO_COLOR: '1' };
const root: readonly string[] = [];
const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** @param prefix the words in front of lbcap's */
function run(prefix: readonly string[], words: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const [program, ...rest] = [...prefix, process.execPath, lbcapPath, 'doctor', ...words];
  return spawnSync(program, rest, {
    ...{ env: { ...env, ...more }, encoding: 'utf8', timeout: 30_000, cwd: '/' },
  });
}

function findings(...given: Parameters<typeof run>) {
  const [prefix, words, more] = given;
  const { status, stdout, stderr } = run(prefix, [...words, '--json'], more);
  assert.equal(stderr, '');
  const lines = stdout.trimEnd().split('\n');
  const found = new Map(lines.map((line) => JSON.parse(line) as Finding).map((f) => [f.check, f]));
  return { status, of: (check: string) => found.get(check) };
}

const label = ['-l', 'a=127.0.0.2'];
/** Without dumpcap in it. */
const bare = { PATH: home };

describe('lbcap doctor', { skip }, () => {
  it('root lacks nothing', () => {
    const { status, of } = findings(root, label);
    assert.equal(status, 0);
    for (const check of ['libpcap', 'capture', 'interface', 'label a']) {
      assert.deepEqual([of(check)?.state, of(check)?.command], ['ok', null], check);
    }
    assert.match(of('libpcap')?.text ?? '', /^libpcap version \d/);
    assert.match(of('ports')?.text ?? '', /\d+ to \d+/);
  });

  it('nobody lacks the right to capture, and is told each way to it', () => {
    const setpriv = spawnSync('sh', ['-c', 'command -v setpriv'], { encoding: 'utf8' });
    const prefix = [setpriv.stdout.trim(), ...nobody.slice(1)];
    const { status, of } = findings(prefix, label, bare);
    assert.equal(status, 1);
    assert.equal(of('capture')?.state, 'missing');
    assert.match(of('capture')?.command ?? '', /^sudo /);
    assert.match(of('dumpcap')?.command ?? '', /install/);
    assert.match(of('capabilities')?.text ?? '', /as it should/);
    assert.equal(of('BPF')?.state, 'note');
    assert.equal(of('label a')?.state, 'ok');
  });

  it('without libpcap', () => {
    const { status, of } = findings(root, label, { LBCAP_LIBPCAP: '/nonexistent', ...bare });
    assert.equal(status, 1);
    assert.deepEqual(
      [of('libpcap')?.state, of('libpcap')?.command],
      ['missing', 'unset LBCAP_LIBPCAP'],
    );
    assert.equal(of('capture')?.state, 'missing');
    assert.equal(of('BPF')?.state, 'ok', 'run needs none');
  });

  it('an IPv6 label that is nowhere, and the command that mends it', () => {
    const { status, of } = findings(root, ['-l', 'b=fd00:1bca::/126']);
    assert.equal(status, 1);
    assert.equal(of('label b')?.command, 'sudo env "PATH=$PATH" lbcap alias add fd00:1bca::/126');
    const script = `ip link set lo up && '${process.execPath}' '${lbcapPath}' alias add fd00:1bca::/126 2>&- && exec "$0" "$@"`;
    const mended = findings(['unshare', '-n', 'sh', '-c', script], ['-l', 'b=fd00:1bca::/126']);
    assert.equal(mended.of('label b')?.state, 'ok');
  });

  it('a loopback that is down, and an interface that is not there', () => {
    const { status, of } = findings(['unshare', '-n'], label);
    assert.equal(status, 1);
    assert.deepEqual(
      [of('interface')?.state, of('interface')?.command],
      ['missing', 'sudo ip link set lo up'],
    );
    assert.equal(of('capture')?.state, 'note', 'not asked');
    assert.equal(findings(root, [...label, '-i', 'nope0']).of('interface')?.state, 'missing');
  });

  it('a docker-proxy that runs', async () => {
    // Its words are what is looked at; sh takes a name for itself.
    const proxy = spawn(
      'sh',
      ['-c', 'read line', '-host-ip', '127.0.0.1', '-host-port', '9092', '-container-ip', 'x'],
      { argv0: '/usr/bin/docker-proxy', stdio: ['pipe', 'ignore', 'ignore'] },
    );
    await new Promise((resolve) => proxy.once('spawn', resolve));
    try {
      assert.match(findings(root, label).of('docker-proxy')?.text ?? '', /^127\.0\.0\.1:9092 /);
    } finally {
      proxy.kill('SIGKILL');
    }
  });

  it('for people: a line each, commands on lines of their own', () => {
    const { stdout, status } = run(root, ['-l', 'b=fd00:1bca::2']);
    assert.equal(status, 1);
    assert.match(stdout, /^ok {7}libpcap +libpcap version/m);
    assert.match(stdout, /^missing {2}label b +fd00:1bca::2 cannot be bound.*\n {9}sudo env /m);
  });

  it('wrong words: 2', () => {
    assert.equal(run(root, ['-l', 'a=127.0.0.999']).status, 2);
  });
});
