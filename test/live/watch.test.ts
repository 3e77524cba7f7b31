/** `lbcap watch` as a process: every way to end it, and every place that fails under it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, beforeEach, describe, it } from 'node:test';
import { pcapFile } from '../../fixtures/frames.js';
import { complaints, lbcapPath } from '../cli/lbcap.js';
import { lacking } from '../requirements.js';
import { RunningProgram } from '../scenarios/process.js';
import { ownAddress, Sender } from './traffic.js';

const skip = lacking('capture', 'capinfos', 'setpriv', 'tcpdump');
const root = mkdtempSync(join(tmpdir(), 'lbcap-'));
chmodSync(root, 0o755);
after(() => rmSync(root, { recursive: true, force: true }));
let directory = '';
let count = 0;
beforeEach(() => {
  directory = join(root, `out-${count++}`);
});

/** Link-layer, IP and UDP headers in front of 64 bytes, behind a record header. */
const recordSize = 16 + 14 + 20 + 8 + 64;

async function start(words: readonly string[], env = process.env): Promise<RunningProgram> {
  const program = new RunningProgram(process.execPath, [lbcapPath, 'watch', '--json', ...words], {
    ...env,
  });
  await program.waitFor('stdout', /"event":"start"/);
  return program;
}

interface End {
  readonly labels: { name: string; packets: number; file: string | null }[];
  readonly others: { packets: number; file: string | null };
  readonly kernelDropped: number;
  readonly error: { code: string } | null;
}

function endOf(program: RunningProgram): End {
  return JSON.parse(program.stdout.trimEnd().split('\n').at(-1) ?? '') as End;
}

/** The number of packets by capinfos, which must not complain. */
function packetsIn(path: string): number {
  const text = execFileSync('capinfos', ['-Mc', path], { encoding: 'utf8' });
  return Number(/packets: +(\d+)/.exec(text)?.[1]);
}

/** The flush comes once a second: its result is what can be waited for. */
async function sizeReached(path: string, size: number, more = () => ''): Promise<void> {
  for (const deadline = Date.now() + 5000; ; await pause(20)) {
    const is = statSync(path).size;
    if (is >= size) return;
    assert.ok(Date.now() < deadline, `${path} has ${is} bytes, not ${size}; ${more()}`);
  }
}

describe('lbcap watch', { skip }, () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`ends by ${signal} with every packet in the file`, async () => {
      const address = ownAddress();
      const program = await start(['-l', `client=${address}`, '-o', directory]);
      const sender = await Sender.at(address);
      await sender.send(500);
      sender.close();
      assert.deepEqual(await program.end(signal), { code: 0, signal: null });
      const file = join(directory, 'client.pcap');
      assert.equal(packetsIn(file), 500);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal(endOf(program).labels[0]?.packets, 500);
      assert.equal(endOf(program).error, null);
      // Name, address, filter and file at the start; the account and the way on at the end.
      assert.match(
        program.stderr,
        new RegExp(`client +${address} +\\S+ +ip\\.addr==${address}\\n`),
      );
      assert.match(program.stderr, /500 packets in = 500 in at least one label \+ 0 others/);
      assert.match(program.stderr, new RegExp(`wireshark ${file}`));
    });
  }

  it('stops by itself after so many packets, or after so long', async () => {
    const address = ownAddress();
    const counted = await start(['-l', `c=${address}`, '-o', directory, '--packets', '100']);
    const sender = await Sender.at(address);
    await sender.send(150);
    assert.equal((await counted.exited).code, 0);
    assert.equal(packetsIn(join(directory, 'c.pcap')), 100);
    const timed = await start(['-l', `c=${address}`, '--no-write', '--duration', '300ms']);
    assert.equal((await timed.exited).code, 0);
    assert.equal(endOf(timed).labels[0]?.file, null);
    sender.close();
  });

  it('leaves whole packets, at most a second old, when it is killed', async () => {
    const address = ownAddress();
    const program = await start(['-l', `client=${address}`, '-o', directory]);
    const sender = await Sender.at(address);
    const file = join(directory, 'client.pcap');
    await sender.send(300);
    await sizeReached(file, 24 + 300 * recordSize);
    await sender.send(50);
    await program.end('SIGKILL');
    sender.close();
    const size = statSync(file).size;
    assert.equal((size - 24) % recordSize, 0, `${size} bytes`);
    const packets = packetsIn(file);
    assert.ok(packets >= 300 && packets <= 350, `${packets} packets`);
  });

  it('says how it stands on SIGUSR1, and goes on', async () => {
    const address = ownAddress();
    const program = await start(['-l', `client=${address}`, '--no-write']);
    const sender = await Sender.at(address);
    await sender.send(7);
    await program.waitFor('stdout', /"event":"sample".*"packets":7,/);
    program.signal('SIGUSR1');
    await program.waitFor('stderr', /client 7 packets/);
    await sender.send(1);
    sender.close();
    await program.end('SIGINT');
    assert.equal(endOf(program).labels[0]?.packets, 8);
    assert.doesNotMatch(program.stderr, /[Dd]ebugger/);
  });

  it('keeps what belongs to no label where that is asked for', async () => {
    const [mine, other] = [ownAddress(), ownAddress()];
    const filter = `host ${mine} or host ${other}`;
    const words = ['-l', `client=${mine}`, '-o', directory, '--others', '-f', filter];
    const program = await start(words);
    const senders = [await Sender.at(mine), await Sender.at(other)];
    await senders[0]?.send(20);
    await senders[1]?.send(30);
    for (const sender of senders) sender.close();
    await program.end('SIGINT');
    assert.equal(packetsIn(join(directory, 'client.pcap')), 20);
    assert.equal(packetsIn(join(directory, 'others.pcap')), 30);
  });

  it('watches what tcpdump captures', async () => {
    const address = ownAddress();
    const tcpdump = spawn('tcpdump', ['-i', 'lo', '-U', '-w', '-', `host ${address}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await new Promise<void>((resolve) => tcpdump.stderr.once('data', () => resolve()));
    const lbcap = spawn(
      process.execPath,
      [lbcapPath, 'watch', '-r', '-', '-l', `client=${address}`, '-o', directory],
      { stdio: ['pipe', 'ignore', 'ignore'] },
    );
    let piped = 0;
    tcpdump.stdout.on('data', (bytes: Buffer) => (piped += bytes.length)).pipe(lbcap.stdin);
    const sender = await Sender.at(address);
    await sender.send(200);
    sender.close();
    const file = join(directory, 'client.pcap');
    for (const deadline = Date.now() + 5000; !existsSync(file); await pause(20)) {
      assert.ok(Date.now() < deadline, 'no file');
    }
    await sizeReached(file, 24 + 200 * recordSize, () => `tcpdump gave ${piped}`);
    tcpdump.kill('SIGINT');
    const status = await new Promise((resolve) => lbcap.once('close', resolve));
    assert.equal(status, 0);
    assert.equal(packetsIn(file), 200);
  });
});

describe('lbcap watch on a terminal', { skip }, () => {
  it('goes on capturing while Ctrl-S has stopped it', async () => {
    const script = [
      'import os, pty, sys',
      'pid, master = pty.fork()',
      'if pid == 0: os.execv(sys.argv[1], sys.argv[1:])',
      'def read_until(mark):',
      "    text = b''",
      '    while mark not in text: text += os.read(master, 4096)',
      "read_until(b'captured')",
      "os.write(master, b'\\x13')",
      "print('stopped', flush=True)",
      'sys.stdin.readline()',
      "os.write(master, b'\\x11')",
      "read_until(b'captured')",
      "os.write(master, b'\\x03')",
      "read_until(b'open it with')",
      'print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))',
    ].join('\n');
    const address = ownAddress();
    const words = ['watch', '-l', `client=${address}`, '-o', directory];
    const shell = spawn('python3', ['-c', script, process.execPath, lbcapPath, ...words]);
    const sender = await Sender.at(address);
    let said = '';
    shell.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(shell, 'close');
    try {
      while (!said.includes('stopped')) await pause(50);
      // Frames would have come by now.
      await pause(2500);
      await sender.send(20);
      const file = join(directory, 'client.pcap');
      await sizeReached(file, 24 + 20 * recordSize, () => said);
      shell.stdin.end('\n');
      await ended;
      assert.equal(said, 'stopped\n0\n');
      assert.equal(packetsIn(file), 20);
    } finally {
      sender.close();
      // With it goes the terminal, which ends lbcap.
      shell.kill();
    }
  });
});

describe('lbcap watch, on its way out', { skip }, () => {
  it('ends normally when its terminal is closed', () => {
    // A session of its own on a pseudo-terminal, whose other end is then closed: SIGHUP, and no tty.
    const script = [
      'import os, pty, re, sys',
      'pid, master = pty.fork()',
      'if pid == 0: os.execv(sys.argv[1], sys.argv[1:])',
      "text = b''",
      "while b'Ctrl-C ends' not in text or b'captured' not in text: text += os.read(master, 4096)",
      'os.close(master)',
      'print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))',
    ].join('\n');
    const words = ['watch', '-l', `client=${ownAddress()}`, '-o', directory];
    const status = execFileSync('python3', ['-c', script, process.execPath, lbcapPath, ...words]);
    assert.equal(status.toString().trim(), '0');
    assert.equal(packetsIn(join(directory, 'client.pcap')), 0);
  });

  it('does not wait for the writer of a fifo', async () => {
    const fifo = join(root, 'fifo');
    execFileSync('mkfifo', [fifo]);
    writeFileSync(join(root, 'head'), pcapFile([]));
    const writer = spawn('sh', [
      '-c',
      `exec 3>'${fifo}'; cat '${join(root, 'head')}' >&3; exec sleep 60`,
    ]);
    const program = await start(['-r', fifo, '-l', 'a=127.0.0.2', '--no-write']);
    const before = performance.now();
    assert.deepEqual(await program.end('SIGINT'), { code: 0, signal: null });
    assert.ok(performance.now() - before < 5000);
    writer.kill();
  });

  it('never overwrites the capture that it reads', async () => {
    mkdirSync(directory);
    const input = join(directory, 'a.pcap');
    writeFileSync(input, pcapFile([]));
    const words = [
      lbcapPath,
      'watch',
      '-r',
      input,
      '-l',
      'a=127.0.0.2',
      '-o',
      directory,
      '--force',
    ];
    const program = new RunningProgram(process.execPath, words);
    assert.equal((await program.exited).code, 2);
    assert.match(program.stderr, /is the input/);
  });
});

describe('lbcap watch under sudo', { skip }, () => {
  it('gives the files to the user who called it', async () => {
    const [nobody, nogroup] = [65_534, 65_534];
    const home = join(root, 'home');
    mkdirSync(home);
    chownSync(home, nobody, nogroup);
    const address = ownAddress();
    const out = join(home, 'bug');
    const program = await start(['-l', `client=${address}`, '-o', out], {
      ...process.env,
      SUDO_UID: String(nobody),
      SUDO_GID: String(nogroup),
    });
    const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
    assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
    const sender = await Sender.at(address);
    await sender.send(40);
    sender.close();
    assert.deepEqual(await program.end('SIGINT'), { code: 0, signal: null });
    const stat = statSync(join(out, 'client.pcap'));
    assert.deepEqual([stat.uid, stat.gid, stat.mode & 0o777], [nobody, nogroup, 0o600]);
    assert.equal(packetsIn(join(out, 'client.pcap')), 40);
  });
});

describe('lbcap watch, when something fails under it', { skip }, () => {
  it('ends with one line when the disk is full, and keeps what is whole', async () => {
    mkdirSync(directory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory]);
    try {
      const [a, b] = [ownAddress(), ownAddress()];
      const program = await start(['-l', `a=${a}`, '-l', `b=${b}`, '-o', join(directory, 'full')]);
      const senders = [await Sender.at(a), await Sender.at(b)];
      await senders[1]?.send(10);
      await sizeReached(join(directory, 'full', 'b.pcap'), 24 + 10 * recordSize);
      await senders[0]?.send(4000);
      for (const sender of senders) sender.close();
      assert.equal((await program.exited).code, 1);
      const [line] = complaints({ status: 1, stdout: '', stderr: program.stderr }).slice(-1);
      assert.match(line ?? '', /^lbcap: cannot write .*a\.pcap: the disk is full$/);
      assert.match(program.stderr, /a\.pcap .*incomplete/);
      assert.equal(packetsIn(join(directory, 'full', 'b.pcap')), 10);
      assert.equal((statSync(join(directory, 'full', 'a.pcap')).size - 24) % recordSize, 0);
      assert.equal(endOf(program).error?.code, 'OUTPUT_IO');
    } finally {
      execFileSync('umount', [directory]);
    }
  });

  it('ends with one line when its directory is removed', async () => {
    const address = ownAddress();
    const program = await start(['-l', `client=${address}`, '-o', directory]);
    rmSync(directory, { recursive: true });
    assert.equal((await program.exited).code, 1);
    assert.match(program.stderr, /\nlbcap: \S+client\.pcap was removed while .*\n$/);
  });

  it('ends with one line when the reader of --json goes away, the file complete', async () => {
    const address = ownAddress();
    const child = spawn(
      process.execPath,
      [lbcapPath, 'watch', '--json', '-l', `client=${address}`, '-o', directory],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    const sender = await Sender.at(address);
    await sender.send(25);
    sender.close();
    child.stdout.destroy();
    const status = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(status, 1);
    assert.match(stderr, /\nlbcap: standard output was closed: .*\n$/);
    assert.equal(packetsIn(join(directory, 'client.pcap')), 25);
  });

  it('exits with 3 under --strict when the kernel dropped packets', async () => {
    const address = ownAddress();
    const words = ['-l', `client=${address}`, '-o', directory, '-B', '128k', '--strict'];
    const program = await start(words);
    const sender = await Sender.at(address);
    // While it is stopped nobody empties the kernel's buffer.
    program.signal('SIGSTOP');
    await sender.send(3000, 1000);
    sender.close();
    program.signal('SIGCONT');
    assert.equal((await program.end('SIGINT')).code, 3);
    const end = endOf(program);
    assert.ok(end.kernelDropped > 0);
    assert.equal(packetsIn(join(directory, 'client.pcap')), end.labels[0]?.packets);
    assert.match(program.stderr, /\nlbcap: [\d,]+ packets were lost: .*--buffer/);
  });
});

describe('lbcap watch, given something bad', { skip }, () => {
  /** Runs to its end; what it says is one line. */
  async function refusal(words: readonly string[], more: { user?: 'nobody'; env?: object } = {}) {
    const command = [process.execPath, lbcapPath, 'watch', '-l', 'a=127.0.0.2', '-o', directory];
    const program =
      more.user === undefined
        ? new RunningProgram(command[0] ?? '', [...command.slice(1), ...words], {
            ...process.env,
            ...more.env,
          })
        : new RunningProgram(
            'setpriv',
            ['--reuid=65534', '--regid=65534', '--clear-groups', ...command, ...words],
            { ...process.env, HOME: root },
          );
    const { code } = await program.exited;
    assert.equal(program.stdout, '');
    assert.match(program.stderr, /^lbcap: [^\n]+\n$/);
    assert.ok(!existsSync(directory), 'nothing was touched');
    return { code, line: program.stderr };
  }

  it('refuses a wrong filter in the words of libpcap', async () => {
    const { code, line } = await refusal(['--filter', 'tcp port']);
    assert.equal(code, 2);
    assert.match(line, /tcp port.*syntax error/);
    assert.equal((await refusal(['--filter', 'host 127.0.0.2) or (tcp'])).code, 2);
  });

  it('names the interfaces there are', async () => {
    const { code, line } = await refusal(['-i', 'lo77']);
    assert.equal(code, 1);
    assert.match(line, /lo77.*\blo\b/);
  });

  it('says how to get the right to capture', async () => {
    const { code, line } = await refusal([], { user: 'nobody' });
    assert.equal(code, 1);
    assert.match(line, /sudo/);
  });

  it('says how to install libpcap', async () => {
    const { code } = await refusal([], { env: { LBCAP_LIBPCAP: '/nonexistent/libpcap.so' } });
    assert.equal(code, 1);
  });

  it('refuses words that make no sense', async () => {
    for (const words of [
      ['--snaplen', '0'],
      ['--snaplen', '262145'],
      ['--buffer', '1'],
      ['--duration', 'soon'],
      ['--packets', '-1'],
      ['--bytes', '1T'],
      ['--engine', 'magic'],
      ['--no-write'],
      ['-r', '-', '-i', 'lo'],
      ['surplus'],
    ]) {
      assert.equal((await refusal(words)).code, 2, words.join(' '));
    }
  });

  it('leaves a read-only directory and existing files alone', async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'a.pcap'), 'precious');
    const existing = new RunningProgram(process.execPath, [
      lbcapPath,
      'watch',
      '-l',
      'a=127.0.0.2',
      '-o',
      directory,
    ]);
    assert.equal((await existing.exited).code, 1);
    assert.match(existing.stderr, /^lbcap: \S+a\.pcap exists: .*--force.*\n$/);
    assert.equal(readFileSync(join(directory, 'a.pcap'), 'utf8'), 'precious');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', directory]);
    try {
      const readOnly = new RunningProgram(process.execPath, [
        lbcapPath,
        'watch',
        '-l',
        'a=127.0.0.2',
        '-o',
        directory,
      ]);
      assert.equal((await readOnly.exited).code, 1);
      assert.match(
        readOnly.stderr,
        /^lbcap: cannot write \S+a\.pcap: you may not write there.*\n$/,
      );
      assert.deepEqual(readdirSync(directory), []);
    } finally {
      execFileSync('umount', [directory]);
    }
  });
});
