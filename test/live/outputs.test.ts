/** What `lbcap watch` writes as it happens: rings by the clock, streams, compressed files that are killed. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, beforeEach, describe, it } from 'node:test';
import { lbcapPath } from '../cli/lbcap.js';
import { lacking } from '../requirements.js';
import { RunningProgram } from '../scenarios/process.js';
import { ownAddress, Sender } from './traffic.js';

const skip = lacking('capture', 'capinfos', 'tshark');
const root = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(root, { recursive: true, force: true }));
let directory = '';
let count = 0;
beforeEach(() => {
  directory = join(root, `out-${count++}`);
});

interface FileEvent {
  readonly event: string;
  readonly label: string;
  readonly file: string;
  readonly packets: number;
  readonly time: string;
}

async function start(words: readonly string[]): Promise<RunningProgram> {
  const program = new RunningProgram(process.execPath, [lbcapPath, 'watch', '--json', ...words]);
  await program.waitFor('stdout', /"event":"start"/);
  return program;
}

function filesOf(program: RunningProgram): FileEvent[] {
  return program.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FileEvent)
    .filter(({ event }) => event === 'file');
}

function packetsIn(path: string): number {
  const text = execFileSync('capinfos', ['-Mc', path], { encoding: 'utf8' });
  return Number(/packets: +(\d+)/.exec(text)?.[1]);
}

/** `watch -o -` into another program; its diagnostics are gathered. */
class Stream {
  readonly watch: ChildProcess;
  readonly ended: Promise<number | null>;
  stderr = '';
  static readonly #all: Stream[] = [];

  /** Of a test that failed: a capture that goes on would keep the tests from ending. */
  static killAll(): void {
    for (const { watch } of Stream.#all) watch.kill('SIGKILL');
  }

  constructor(words: readonly string[], stdout: 'pipe' | number = 'pipe') {
    this.watch = spawn(process.execPath, [lbcapPath, 'watch', '-o', '-', ...words], {
      stdio: ['ignore', stdout, 'pipe'],
    });
    this.watch.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(this.watch, 'close').then(([code]) => code as number | null);
    Stream.#all.push(this);
  }

  async begun(): Promise<void> {
    for (const deadline = Date.now() + 10_000; !this.stderr.includes('Ctrl-C'); await pause(10)) {
      assert.ok(Date.now() < deadline, this.stderr);
    }
  }
}

describe('rings of watch', { skip }, () => {
  it('turn by the clock, though nothing comes any more, and every file is whole', async () => {
    const [busy, quiet] = [ownAddress(), ownAddress()];
    const words = ['-l', `busy=${busy}`, '-l', `quiet=${quiet}`, '-o', directory];
    const program = await start([...words, '--rotate-time', '400ms', '--format', 'pcapng']);
    const sender = await Sender.at(busy);
    await sender.send(30);
    await program.waitFor('stdout', /"event":"file".*busy\.00001/);
    // By now it is closed, and can be taken away.
    const [first] = filesOf(program);
    assert.equal(packetsIn(first?.file ?? ''), first?.packets);
    const open = readdirSync(`/proc/${program.pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${program.pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
    assert.ok(!open.some((path) => path.includes('busy.00001')));
    await sender.send(20);
    await program.waitFor('stdout', /"event":"file".*busy\.00002/);
    sender.close();
    assert.deepEqual(await program.end('SIGINT'), { code: 0, signal: null });
    const files = filesOf(program).filter(({ label }) => label === 'busy');
    assert.equal(
      files.reduce((sum, { packets }) => sum + packets, 0),
      50,
    );
    for (const { file, packets } of files) assert.equal(packetsIn(file), packets);
    // A label without packets keeps the file that it has.
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('quiet')),
      ['quiet.00001.pcapng'],
    );
    const info = execFileSync('capinfos', [first?.file ?? ''], { encoding: 'utf8' });
    assert.match(info, /Name = lbcap:busy\n +Description = lo\n/);
    assert.match(info, /Number of stat entries = 1\n/);
  });

  it('keep no more files than they are to', async () => {
    const address = ownAddress();
    const words = ['--rotate-size', '1k', '--keep', '2'];
    const program = await start(['-l', `c=${address}`, '-o', directory, ...words]);
    const sender = await Sender.at(address);
    await sender.send(100);
    sender.close();
    await program.end('SIGINT');
    const files = filesOf(program);
    // 24 bytes of header, 8 records of 122: the rest would make it larger than 1024.
    assert.deepEqual(
      files.map(({ packets }) => packets),
      [...new Array<number>(12).fill(8), 4],
    );
    assert.deepEqual(readdirSync(directory).sort(), ['c.00012.pcap', 'c.00013.pcap']);
    assert.equal(packetsIn(join(directory, 'c.00012.pcap')), 8);
    assert.ok(!existsSync(join(directory, 'c.pcap')));
  });
});

describe('compressed files of watch', { skip }, () => {
  for (const [method, ending] of [
    ['gzip', 'gz'],
    ['zstd', 'zst'],
    ['lz4', 'lz4'],
  ] as const) {
    it(`can be read after a kill: ${method}`, async () => {
      const address = ownAddress();
      const program = await start(['-l', `c=${address}`, '-o', directory, '--compress', method]);
      const sender = await Sender.at(address);
      await sender.send(200);
      sender.close();
      const file = join(directory, `c.pcap.${ending}`);
      const before = readFileSync(file).length;
      for (const deadline = Date.now() + 5000; ; await pause(20)) {
        if (readFileSync(file).length > before) break;
        assert.ok(Date.now() < deadline, 'nothing was flushed');
      }
      // The packets may have come around a flush: the next one has the rest.
      await pause(1200);
      await program.end('SIGKILL');
      const found = execFileSync('tshark', ['-r', file], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      assert.equal(found.trimEnd().split('\n').length, 200);
    });
  }
});

describe('lbcap watch -o -', { skip }, () => {
  after(() => {
    Stream.killAll();
  });

  it('gives tshark each packet at once, under its label, with its direction', async () => {
    const [mine, other] = [ownAddress(), ownAddress()];
    const fields = '-e frame.interface_name -e frame.packet_flags_direction';
    // By a pipe of the shell's: Node would make a socket of it.
    const shell = `"$0" "$1" watch -o - -l mine=${mine} --others -f 'host ${mine} or host ${other}' --packets 6 |
      tshark -l -n -r - -T fields ${fields}`;
    const program = new RunningProgram('sh', ['-c', shell, process.execPath, lbcapPath]);
    await program.waitFor('stderr', /Ctrl-C/);
    const senders = [await Sender.at(mine), await Sender.at(other)];
    const pair = 'lbcap:mine\t0x00000002\nlbcap:others\t\n';
    for (let round = 1; round <= 3; round++) {
      for (const sender of senders) await sender.send(1);
      await program.waitFor('stdout', new RegExp(`^(${pair}){${round}}$`));
    }
    for (const sender of senders) sender.close();
    assert.equal((await program.exited).code, 0);
    assert.match(program.stderr, /mine +\S+ +standard output +ip\.addr/);
    assert.match(program.stderr, /6 packets in = 3 in at least one label \+ 3 others/);
  });

  it('ends with 0 when its reader goes', async () => {
    const address = ownAddress();
    const stream = new Stream(['-l', `c=${address}`]);
    await stream.begun();
    stream.watch.stdout?.destroy();
    const sender = await Sender.at(address);
    await sender.send(3);
    sender.close();
    assert.equal(await stream.ended, 0);
    assert.match(stream.stderr, /the reader of standard output ended first\n$/);
  });

  it('answers Ctrl-C though its reader does not read: the second ends it', async () => {
    const address = ownAddress();
    const stream = new Stream(['-l', `c=${address}`]);
    await stream.begun();
    const sender = await Sender.at(address);
    await sender.send(400, 1000);
    sender.close();
    await pause(300);
    stream.watch.kill('SIGINT');
    await pause(100);
    stream.watch.kill('SIGINT');
    assert.equal(await once(stream.watch, 'exit').then(([code]) => code as number), 130);
    stream.watch.stdout?.destroy();
  });
});
