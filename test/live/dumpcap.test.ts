/** `--engine dumpcap` with the real one, as a user who may run it and may do nothing else. Needs root. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import { findProgram } from '../../src/loopback/programs.js';
import { complaints, lbcapPath } from '../cli/lbcap.js';
import { lacking } from '../requirements.js';
import { RunningProgram } from '../scenarios/process.js';
import { ownAddress, Sender } from './traffic.js';

const skip = lacking('capture', 'dumpcap', 'setcap', 'setpriv', 'capinfos', 'tcpdump', 'tshark');

/** Ids that no account of this machine has: the kernel asks for no more, and nothing is left behind. */
const [user, group, outsider] = [60_931, 60_932, 60_933];
/** By its path: the tests change PATH. */
const setpriv = findProgram('setpriv', process.env)?.path ?? '';
const root = mkdtempSync(join(tmpdir(), 'lbcap-dumpcap-'));
const bin = join(root, 'bin');
const home = join(root, 'home');
after(() => rmSync(root, { recursive: true, force: true }));

let directory = '';
let count = 0;
beforeEach(() => {
  directory = join(home, `out-${count++}`);
});

/** As Debian sets it up: dumpcap with the capabilities, for the members of one group. */
function installDumpcap(): void {
  chmodSync(root, 0o755);
  mkdirSync(bin, { mode: 0o755 });
  mkdirSync(home);
  chownSync(home, user, user);
  const copy = join(bin, 'dumpcap');
  copyFileSync(findProgram('dumpcap', process.env)!.path, copy);
  chownSync(copy, 0, group);
  chmodSync(copy, 0o750);
  execFileSync('setcap', ['cap_net_raw,cap_net_admin=eip', copy]);
}

function env(path = `${bin}${delimiter}${process.env['PATH']}`): NodeJS.ProcessEnv {
  return { ...process.env, PATH: path, HOME: home, SUDO_UID: '', SUDO_GID: '' };
}

/** `watch` as that user; its group lets it run dumpcap. */
function words(options: readonly string[], member = group): string[] {
  return [
    ...[`--reuid=${user}`, `--regid=${user}`, `--groups=${member}`],
    ...[process.execPath, lbcapPath, 'watch', ...options],
  ];
}

async function start(options: readonly string[]): Promise<RunningProgram> {
  const program = new RunningProgram(setpriv, words(['--json', ...options]), env());
  await program.waitFor('stdout', /"event":"start"/);
  return program;
}

interface End {
  readonly labels: { packets: number; file: string | null }[];
  readonly received: number | null;
  readonly kernelDropped: number | null;
  readonly error: { code: string } | null;
}

function eventsOf(program: RunningProgram): { event: string; kernelDropped?: number | null }[] {
  const lines = program.stdout.trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as { event: string });
}

function endOf(program: RunningProgram): End {
  return eventsOf(program).at(-1) as unknown as End;
}

function packetsIn(path: string): number {
  const text = execFileSync('capinfos', ['-Mc', path], { encoding: 'utf8' });
  return Number(/packets: +(\d+)/.exec(text)?.[1]);
}

/** The dumpcap whose filter names the address. */
function dumpcapOf(address: string): number | null {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let line: string[];
    try {
      line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    } catch {
      continue;
    }
    if (line[0]?.endsWith('dumpcap') && line.some((word) => word.includes(address)))
      return Number(pid);
  }
  return null;
}

async function gone(pid: number): Promise<void> {
  for (const deadline = Date.now() + 5000; existsSync(`/proc/${pid}`); await pause(10)) {
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1][0];
    if (state === 'Z') return;
    assert.ok(Date.now() < deadline, `process ${pid} is still there`);
  }
}

describe('lbcap watch by dumpcap', { skip }, () => {
  before(installDumpcap);

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`needs no root, is chosen by itself, says so, and ends by ${signal} with every packet`, async () => {
      const address = ownAddress();
      const program = await start(['-l', `client=${address}`, '-o', directory]);
      assert.match(program.stdout, /"engine":"dumpcap"/);
      const said = program.stderr.split('\n').filter((line) => /dumpcap does/.test(line));
      assert.equal(said.length, 1);
      const dumpcap = dumpcapOf(address)!;
      const sender = await Sender.at(address);
      await sender.send(500);
      sender.close();
      assert.deepEqual(await program.end(signal), { code: 0, signal: null });
      const end = endOf(program);
      assert.deepEqual([end.labels[0].packets, end.received, end.kernelDropped], [500, 500, 0]);
      assert.equal(packetsIn(join(directory, 'client.pcap')), 500);
      assert.equal(statSync(join(directory, 'client.pcap')).uid, user);
      for (const { event, kernelDropped } of eventsOf(program))
        if (event === 'sample') assert.equal(kernelDropped, null, 'unknown, not 0');
      await gone(dumpcap);
    });
  }

  it('captures the packets that tcpdump captures, with the filter and the snaplen', async () => {
    const address = ownAddress();
    const tcpdump = new RunningProgram('tcpdump', [
      ...['-i', 'lo', '-U', '-s', '60', '-w', join(root, 'tcpdump.pcap')],
      ...['-Z', 'root', `host ${address} and greater 100`],
    ]);
    await tcpdump.waitFor('stderr', /listening/);
    const program = await start([
      ...['-l', `client=${address}`, '-o', directory, '--engine', 'dumpcap', '--strict'],
      ...['-f', 'greater 100', '-s', '60'],
    ]);
    assert.doesNotMatch(program.stderr, /strict/, 'the loss will be known');
    const sender = await Sender.at(address);
    for (let index = 0; index < 100; index++) await sender.send(1, index % 2 === 0 ? 20 : 200);
    sender.close();
    assert.equal((await program.end('SIGINT')).code, 0);
    const file = join(directory, 'client.pcap');
    for (
      const deadline = Date.now() + 5000;
      statSync(join(root, 'tcpdump.pcap')).size < statSync(file).size;
    )
      await pause(20, assert.ok(Date.now() < deadline));
    await tcpdump.end('SIGINT');
    const bytes = (path: string) =>
      execFileSync('tcpdump', ['-r', path, '-t', '-xx', '-n'], { encoding: 'utf8' });
    assert.equal(packetsIn(file), 50);
    assert.equal(bytes(file), bytes(join(root, 'tcpdump.pcap')));
  });

  for (const [option, name] of [
    [['--nano'], 'client.pcap'],
    [['--format', 'pcapng'], 'client.pcapng'],
  ] as const) {
    it(`${option.join(' ')}: the nanoseconds that tcpdump has`, async () => {
      const address = ownAddress();
      const theirs = join(root, `${name}.tcpdump`);
      const tcpdump = new RunningProgram('tcpdump', [
        ...['-i', 'lo', '-U', '-Z', 'root', '--nano', '-c', '100', '-w', theirs],
        `host ${address}`,
      ]);
      await tcpdump.waitFor('stderr', /listening/);
      const program = await start([
        ...['-l', `client=${address}`, '-o', directory, '--engine', 'dumpcap', ...option],
      ]);
      const sender = await Sender.at(address);
      await sender.send(100);
      sender.close();
      assert.deepEqual(await program.end('SIGINT'), { code: 0, signal: null });
      assert.equal((await tcpdump.exited).code, 0, tcpdump.stderr);
      const end = endOf(program);
      assert.deepEqual([end.labels[0].packets, end.received, end.kernelDropped], [100, 100, 0]);
      const times = (path: string) =>
        execFileSync('tshark', ['-r', path, '-T', 'fields', '-e', 'frame.time_epoch'], {
          encoding: 'utf8',
        });
      const own = times(join(directory, name));
      assert.equal(own, times(theirs));
      assert.match(own, /\.\d{6}(?!000)\d{3}$/m, 'not microseconds with zeros');
    });
  }

  it('--packets ends it at once and exactly', async () => {
    const address = ownAddress();
    const program = await start(['-l', `client=${address}`, '-o', directory, '--packets', '10']);
    const dumpcap = dumpcapOf(address)!;
    const sender = await Sender.at(address);
    await sender.send(50);
    sender.close();
    assert.equal((await program.exited).code, 0);
    assert.equal(packetsIn(join(directory, 'client.pcap')), 10);
    await gone(dumpcap);
  });

  it('a dumpcap that is killed: what came before is there, one line says it', async () => {
    const address = ownAddress();
    const program = await start(['-l', `client=${address}`, '-o', directory]);
    const sender = await Sender.at(address);
    await sender.send(100);
    sender.close();
    const file = join(directory, 'client.pcap');
    for (const deadline = Date.now() + 5000; statSync(file).size < 24 + 100 * 100;)
      await pause(20, assert.ok(Date.now() < deadline));
    process.kill(dumpcapOf(address)!, 'SIGKILL');
    assert.equal((await program.exited).code, 1);
    assert.equal(endOf(program).error?.code, 'CAPTURE_FAILED');
    assert.match(program.stderr, /^lbcap: dumpcap ended by itself \(signal SIGKILL\)$/m);
    assert.equal(packetsIn(file), 100);
  });

  it('leaves no dumpcap behind when lbcap is killed, packets or not', async () => {
    const address = ownAddress();
    const program = await start(['-l', `client=${address}`, '--no-write']);
    const dumpcap = dumpcapOf(address)!;
    await program.end('SIGKILL');
    await gone(dumpcap);
  });

  it('as root through sudo it gives root up and still ends the dumpcap of root’s', async () => {
    const address = ownAddress();
    const program = new RunningProgram(
      process.execPath,
      [lbcapPath, 'watch', '--json', '-l', `a=${address}`, '-o', directory, '--engine', 'dumpcap'],
      { ...env(), SUDO_UID: String(user), SUDO_GID: String(user) },
    );
    await program.waitFor('stdout', /"event":"start"/);
    const dumpcap = dumpcapOf(address)!;
    assert.equal(statSync(`/proc/${dumpcap}`).uid, 0);
    assert.equal(statSync(`/proc/${program.pid}`).uid, user);
    const sender = await Sender.at(address);
    await sender.send(20);
    sender.close();
    assert.equal((await program.end('SIGINT')).code, 0);
    await gone(dumpcap);
    assert.equal(packetsIn(join(directory, 'a.pcap')), 20);
  });

  const refusal = (options: readonly string[], environment = env(), member = group) => {
    const { status, stdout, stderr } = spawnSync(setpriv, words(options, member), {
      env: environment,
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(status, 1, stderr);
    const [line, ...more] = complaints({ status, stdout, stderr });
    assert.deepEqual(more, []);
    return line;
  };
  const label = ['-l', 'a=127.0.0.2', '--no-write'];

  it('named libpcap stays libpcap', () => {
    assert.match(refusal([...label, '--engine', 'libpcap']), /no permission to capture on lo/);
  });

  it('without the group, and without dumpcap, it is a matter of permission', () => {
    const only = env(bin);
    assert.match(refusal(label, only, outsider), /no permission .*usermod -aG wireshark/);
    assert.match(
      refusal([...label, '--engine', 'dumpcap'], only, outsider),
      /you may not run dumpcap/,
    );
    assert.match(
      refusal([...label, '--engine', 'dumpcap'], env(home)),
      /dumpcap is not installed: .*apt-get install wireshark-common/,
    );
    assert.match(refusal(label, env(home)), /no permission to capture on lo/);
  });

  it('a dumpcap without the capabilities is refused in its own words', () => {
    const poor = join(root, 'poor');
    mkdirSync(poor, { mode: 0o755 });
    copyFileSync(join(bin, 'dumpcap'), join(poor, 'dumpcap'));
    chmodSync(join(poor, 'dumpcap'), 0o755);
    assert.match(
      refusal([...label, '--engine', 'dumpcap'], env(poor)),
      /no permission to capture on lo \(dumpcap: You do not have permission/,
    );
  });

  it('an unknown interface', () => {
    const dumpcap = [...label, '--engine', 'dumpcap'];
    assert.match(refusal([...dumpcap, '-i', 'nope0']), /no interface 'nope0': choose one of .*lo/);
    assert.match(refusal([...dumpcap, '-i', '1']), /no interface '1'/);
  });

  it('run --watch takes it too, and says so', () => {
    writeFileSync(join(home, 'labels.json'), '{"labels":{}}');
    const script =
      "const s=require('net').createServer(c=>c.end()).listen(0,'127.0.0.1',()=>require('net').connect(s.address().port,'127.0.0.1').resume().on('end',()=>s.close()))";
    const result = spawnSync(
      setpriv,
      [
        ...[`--reuid=${user}`, `--regid=${user}`, `--groups=${group}`, process.execPath, lbcapPath],
        ...['run', '--watch', '-o', directory, `client=${ownAddress()}`, '--'],
        ...[process.execPath, '-e', script],
      ],
      { env: env(), encoding: 'utf8', timeout: 30_000 },
    );
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stderr, /dumpcap does/);
    assert.ok(packetsIn(join(directory, 'client.pcap')) >= 6, result.stderr);
  });
});
