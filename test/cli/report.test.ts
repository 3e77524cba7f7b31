import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { concat, ethernet, ipv4, ipv6, pcapFile, udp } from '../../fixtures/frames.js';
import { SectionWriter } from '../../fixtures/pcapng.js';
import { createRandom } from '../../fixtures/random.js';
import { Conversation, pcapOf, type Frame } from '../../fixtures/tcp-conversations.js';
import type { Report, ReportedHop } from '../../src/handover/report.js';
import { lacking } from '../requirements.js';
import { complaints, lbcap, type Ended } from './lbcap.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-report-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
let count = 0;
beforeEach(() => {
  directory = join(root, String(count++));
  mkdirSync(directory);
});

function write(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

function jsonOf(ended: Ended): Report {
  return JSON.parse(ended.stdout) as Report;
}

/** No registry of the machine has a say. */
function report(...words: readonly string[]): Ended {
  return lbcap(['report', '--labels', 'fixtures/no-labels.json', ...words]);
}

/** Sixty conversations of five clients and three servers at a time, some on ports used before. */
function traffic(seed: number): Frame[] {
  const random = createRandom(seed);
  const pick = (limit: number) => random.integer(limit);
  const frames: Frame[] = [];
  for (let number = 0; number < 60; number++) {
    const conversation = new Conversation({
      client: `127.0.0.${2 + (number % 5)}`,
      server: `127.0.0.${[1, 4, 6][pick(3)]}`,
      // Used again by the thirtieth after it, which begins when this one is over.
      clientPort: 40_000 + (number % 30),
      serverPort: 9000 + (number % 30),
      clientSequence: 1000 * (number + 1),
      serverSequence: 7_000_000 * (number + 1),
      at: 1000 + (number < 30 ? 0 : 20) + number * 0.000_013 + pick(9) / 1000,
      pace: 0.000_1 + pick(50) / 10_000,
    });
    if (number % 30 === 7) {
      frames.push(...conversation.syn().again('client').frames);
      continue;
    }
    if (number % 30 === 11) {
      frames.push(...conversation.syn().reset('server').frames);
      continue;
    }
    conversation.open();
    for (let step = pick(20); step > 0; step--) {
      const side = pick(2) === 0 ? 'client' : 'server';
      conversation.data(side, 1 + pick(1400));
      if (pick(6) === 0) conversation.again(side);
    }
    if (number % 3 === 0) conversation.fin('client').ack('server').fin('server').ack('client');
    else if (number % 3 === 1) conversation.reset(pick(2) === 0 ? 'client' : 'server');
    frames.push(...conversation.frames);
  }
  return frames.sort((a, b) => a.at - b.at);
}

interface Stream {
  readonly start: string;
  readonly duration: string;
  readonly frames: readonly [number, number];
  readonly bytes: readonly [number, number];
}

/** By `address:port` of either end. */
type Streams = ReadonlyMap<string, readonly Stream[]>;

function tshark(...words: readonly string[]): string {
  return execFileSync('tshark', ['-n', ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 28,
  });
}

/** Frames and times are of the table of conversations; its bytes are rounded, so they are added up. */
function tsharkStreams(path: string): Streams {
  const bytes = new Map<string, number>();
  const fields = ['tcp.stream', 'ip.src', 'tcp.srcport', 'frame.len'].flatMap((name) => [
    '-e',
    name,
  ]);
  const starts: string[] = [];
  for (const line of tshark('-r', path, '-T', 'fields', ...fields)
    .trim()
    .split('\n')) {
    const [stream = '', address, port, length] = line.split('\t');
    const key = `${stream} ${address}:${port}`;
    bytes.set(key, (bytes.get(key) ?? 0) + Number(length));
    starts[Number(stream)] ??= `${address}:${port}`;
  }
  const found = new Map<string, Stream[]>();
  const lines = tshark('-r', path, '-q', '-z', 'conv,tcp').split('\n');
  const pattern =
    /^(\S+) +<-> (\S+) +(\d+) \S+ \S+ +(\d+) \S+ \S+ +\d+ \S+ \S+ +([\d.]+) +([\d.]+)$/;
  const rows = lines
    .map((line) => pattern.exec(line))
    .filter((row) => row !== null)
    .sort((a, b) => Number(a[5]) - Number(b[5]));
  assert.equal(rows.length, starts.length);
  // Streams are numbered by their first frame.
  for (const [
    stream,
    [, from = '', to = '', back, forth, start = '', duration = ''],
  ] of rows.entries()) {
    const key = `${from} ${to}`;
    found.set(key, [
      ...(found.get(key) ?? []),
      {
        start: Number(start).toFixed(6),
        duration: Number(duration).toFixed(4),
        frames: [Number(forth), Number(back)],
        bytes: [bytes.get(`${stream} ${from}`) ?? 0, bytes.get(`${stream} ${to}`) ?? 0],
      },
    ]);
  }
  return found;
}

function streamsOf(hops: readonly ReportedHop[]): Streams {
  const found = new Map<string, Stream[]>();
  for (const { from, to, at, duration, out, in: into } of hops) {
    const key = `${from.address}:${from.port} ${to.address}:${to.port}`;
    found.set(key, [
      ...(found.get(key) ?? []),
      {
        start: at.toFixed(6),
        duration: duration.toFixed(4),
        frames: [out.packets, into.packets],
        bytes: [out.bytes, into.bytes],
      },
    ]);
  }
  return found;
}

/** Which files have them is another question. */
function withoutFiles({ rows, ...rest }: Report['hops']): object {
  return { ...rest, rows: rows.map((row) => ({ ...row, files: [] })) };
}

/** As both would sort them. */
function sorted(streams: Streams): (readonly [string, readonly Stream[]])[] {
  return [...streams].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('lbcap report', () => {
  const skip = lacking('tshark', 'capinfos');

  it('has the conversations that tshark has, with their packets, bytes and times', { skip }, () => {
    for (const seed of [1, 2, 3]) {
      const path = write(`all-${seed}.pcap`, pcapOf(traffic(seed)));
      const ended = report(path, '--json', '--all');
      assert.equal(ended.status, 0, ended.stderr);
      const { hops } = jsonOf(ended);
      assert.equal(hops.rows.length, 60);
      assert.deepEqual(sorted(streamsOf(hops.rows)), sorted(tsharkStreams(path)));
      const starts = hops.rows.map(({ at }) => at);
      assert.deepEqual(
        starts,
        [...starts].sort((a, b) => a - b),
      );
      const endings = hops.rows.map(({ ending }) => ending);
      assert.equal(endings.filter((ending) => ending === 'unanswered').length, 2);
      assert.equal(endings.filter((ending) => ending === 'refused').length, 2);
      assert.equal(hops.total.connections, 60);
    }
  });

  it('counts what two label files have once, whatever their format', { skip }, () => {
    const all = write('all.pcap', pcapOf(traffic(4)));
    const labels = ['a=127.0.0.2', 'b=127.0.0.4', 'c=127.0.0.6'];
    const words = labels.flatMap((label) => ['-l', label]);
    const whole = jsonOf(report(all, ...words, '--json', '--all'));
    const forms = [[], ['--format', 'pcapng'], ['--nano'], ['--compress', 'gzip']];
    for (const [number, form] of forms.entries()) {
      const out = join(directory, `bug-${number}`);
      const split = lbcap(['split', all, ...words, ...form, '-o', out]);
      assert.equal(split.status, 0, split.stderr);
      const ended = report(out, '--json', '--all');
      assert.equal(ended.status, 0, ended.stderr);
      const parts = jsonOf(ended);
      assert.deepEqual(withoutFiles(parts.hops), withoutFiles(whole.hops));
      for (const { from, to, files } of parts.hops.rows) {
        const own = new Set([from.label, to.label].filter((name) => name !== null));
        assert.deepEqual(
          files.map((name) => name.split('.')[0]),
          [...own],
        );
      }
      assert.equal(parts.packets.distinct, whole.packets.labelled);
      assert.ok(parts.packets.read > parts.packets.distinct);
      // The files are enough to know the labels.
      const plain = ({
        name,
        address,
        wireshark,
        out: o,
        in: i,
        tcp,
      }: Report['labels'][number]) => ({
        ...{ name, address, wireshark, o, i, tcp },
      });
      assert.deepEqual(parts.labels.map(plain), whole.labels.map(plain));
      const origin = form.includes('pcapng') ? 'capture' : 'file name';
      assert.deepEqual(new Set(parts.labels.map((label) => label.origin)), new Set([origin]));
    }
    // Beside the capture that they were cut out of.
    const both = jsonOf(report(all, join(directory, 'bug-0'), '--json', '--all'));
    assert.deepEqual(withoutFiles(both.hops), withoutFiles(whole.hops));
    assert.equal(both.packets.distinct, whole.packets.distinct);
  });

  it('suspects two captures of the same traffic, and only those', () => {
    const frames = traffic(9);
    write('one.pcap', pcapOf(frames));
    const pattern = /can be one capture twice/;
    assert.doesNotMatch(report(directory).stdout, pattern);
    // Two packet sockets never quite agree on the time.
    write('two.pcap', pcapOf(frames.map(({ at, bytes }) => ({ at: at + 0.000_002, bytes }))));
    assert.match(report(directory).stdout, pattern);
  });

  it('says of each file what capinfos says', { skip }, () => {
    const all = write('all.pcap', pcapOf(traffic(5), 100));
    const words = ['-l', 'a=127.0.0.2', '-o', join(directory, 'bug'), '--rotate-size', '4k'];
    const split = lbcap(['split', all, ...words, '--format', 'pcapng', '--others']);
    assert.equal(split.status, 0, split.stderr);
    const ended = report(join(directory, 'bug'), all, '--json');
    assert.equal(ended.status, 0, ended.stderr);
    const { files, packets } = jsonOf(ended);
    assert.ok(files.length > 5);
    for (const { name, packets: number, bytes, first, last } of files) {
      const path = name === 'all.pcap' ? all : join(directory, 'bug', name);
      const table = execFileSync('capinfos', ['-TrcdaeSM', path], { encoding: 'utf8' }).trim();
      const [, n, size, from = '', to = ''] = table.split('\t');
      const iso = (seconds: string) =>
        new Date(Math.floor(Number(seconds)) * 1000).toISOString().slice(0, 19) +
        `.${(seconds.split('.')[1] ?? '').padEnd(9, '0')}Z`;
      assert.deepEqual([number, bytes, first, last], [Number(n), Number(size), iso(from), iso(to)]);
    }
    assert.equal(packets.distinct, traffic(5).length);
    const cut = traffic(5).filter((frame) => frame.bytes.length > 100).length;
    assert.equal(packets.cut, 2 * cut, 'in both files');
  });

  it('shows a chain, and the most useful hops', () => {
    const hop = (client: string, server: string, at: number) =>
      new Conversation({ client, server, at, serverPort: 25, pace: 0.001 })
        .open()
        .data('client', 400)
        .fin('client')
        .fin('server').frames;
    const frames = [
      ...hop('127.0.0.30', '127.0.0.31', 1000),
      ...hop('127.0.0.31', '127.0.0.32', 1001),
      ...hop('127.0.0.32', '127.0.0.33', 1002),
    ];
    const path = write('all.pcap', pcapOf(frames));
    const ended = report(path, '-l', 'mx1=127.0.0.31', '-l', 'mx2=127.0.0.32', '--hops', '2');
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, /^- `127\.0\.0\.30` → `mx1` → `mx2` → `127\.0\.0\.33`$/m);
    assert.match(ended.stdout, /^1 more hop left out/m);
    assert.match(
      ended.stdout,
      /^\| 1\.000000 \| `mx1 127\.0\.0\.31:40000` \| `mx2 .*:25` \| .* \| FIN \| {2}\|$/m,
    );
  });

  it('takes the environment, the comment and the losses of a pcapng', () => {
    const section = new SectionWriter();
    const text = (words: string) => new TextEncoder().encode(words);
    const drops = new Uint8Array(8);
    drops[0] = 7;
    const frame = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(5000, 9092)));
    const path = write(
      'a.pcapng',
      concat(
        section.header([1, text('issue 42')], [3, text('AmigaOS 3.1')], [4, text('sniff 1')]),
        section.interface(1, {}),
        section.names(['127.0.0.2', 'billing']),
        section.enhanced(0, 1_700_000_000_000_000n, frame),
        section.block(5, new Uint8Array(12), section.options([7, drops])),
      ),
    );
    const ended = report(path);
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, /`AmigaOS 3\.1`, `sniff 1` \(as they say\)/);
    assert.match(ended.stdout, /`a\.pcapng` says: `issue 42`/);
    assert.match(ended.stdout, /\*\*Packets are missing\*\*/);
    assert.match(ended.stdout, /\| `billing` \| `127\.0\.0\.2` \| named in the capture \|/);
    assert.match(
      ended.stdout,
      /`billing 127\.0\.0\.2:5000` \| `127\.0\.0\.1:9092` UDP .* no answer \|/,
    );
    assert.deepEqual(jsonOf(report(path, '--json')).files[0]?.dropped, {
      kernel: 7,
      interface: null,
    });
  });

  it('lets nothing of a capture become markup or move the cursor', () => {
    const section = new SectionWriter();
    const text = (words: string) => new TextEncoder().encode(words);
    const hostile = 'x` | <img src=x> @all \u001b[2J\u202e\n# title ``` [a](http://b) \\';
    const path = write(
      'a`|\u001b[31m@b.pcapng',
      concat(
        section.header(
          [1, text(hostile)],
          [2, text(hostile)],
          [3, text(hostile)],
          [4, text(hostile)],
        ),
        section.interface(1, {}),
        section.names(['127.0.0.2', '@everyone <b>'], ['127.0.0.3', 'good']),
        section.enhanced(0, 1n, ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.3', udp(1, 2)))),
      ),
    );
    const { stdout, status } = report(path);
    assert.equal(status, 0);
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    assert.doesNotMatch(stdout, /everyone/, 'that is no name of a label');
    // Whatever stands outside of code spans is ours.
    const outside = stdout.replace(/^```sh$[^]*?^```$/m, '').replace(/`[^`\n]*`/g, '');
    assert.doesNotMatch(outside, /`|@|<|img|title|http/);
    for (const line of outside.split('\n').filter((row) => row.startsWith('|')))
      assert.ok([4, 7, 9, 10].includes(line.split('|').length - 2), line);
    // A bar ends a cell in a code span, too, unless it is escaped.
    for (const line of stdout.split('\n').filter((row) => row.startsWith('|')))
      assert.ok([4, 7, 9, 10].includes(line.split(/(?<!\\)\|/).length - 2), line);
    const json = report(path, '--json').stdout;
    assert.doesNotMatch(json, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    assert.deepEqual((JSON.parse(json) as Report).files[0]?.comments, [hostile]);
  });

  it('tells neither paths, nor names of machine and user, nor payload', () => {
    const secret = 'correct horse battery staple';
    const payload = concat(udp(5000, 9092, 0), new TextEncoder().encode(secret));
    const frame = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', payload));
    write('a.pcap', pcapFile([{ data: frame }]));
    // Damage names its file, too.
    write('b.pcap', pcapFile([{ data: frame }, { data: frame }]).subarray(0, -3));
    const host = execFileSync('uname', ['-n'], { encoding: 'utf8' }).trim();
    for (const form of [[], ['--json']]) {
      const { stdout } = report(directory, ...form);
      assert.ok(!stdout.includes(root));
      assert.ok(!stdout.includes(secret));
      assert.ok(!stdout.split(/[^\w-]+/).includes(host));
      assert.ok(stdout.includes('b.pcap is damaged at byte'));
    }
  });

  it('reports what could be read of damaged captures', () => {
    const good = pcapOf(traffic(6));
    write('good.pcap', good);
    const cut = good.subarray(0, 5000);
    write('cut.pcap', cut);
    write('cut.pcap.gz', gzipSync(good).subarray(0, 1000));
    write('text.pcap', new TextEncoder().encode('this is no capture, whatever it is called'));
    write('empty.pcap', new Uint8Array(0));
    write('notes.txt', new TextEncoder().encode('not called like one'));
    const ended = report(directory, '--json');
    assert.equal(ended.status, 1);
    assert.equal(complaints(ended).length, 1, ended.stderr);
    const { files, packets } = jsonOf(ended);
    const of = (name: string) => files.find((file) => file.name === name);
    assert.equal(files.length, 5);
    assert.equal(of('good.pcap')?.packets, traffic(6).length);
    assert.equal(packets.distinct, traffic(6).length, 'the cut ones have nothing of their own');
    const damage = of('cut.pcap')?.damage;
    const offset = damage?.offset ?? -1;
    assert.ok(offset > 3000 && offset < 5000);
    assert.match(ended.stderr, new RegExp(`cut\\.pcap is damaged at byte ${offset}: cut inside`));
    let size = 24;
    const whole = traffic(6).filter(({ bytes }) => (size += 16 + bytes.length) <= cut.length);
    assert.equal(of('cut.pcap')?.packets, whole.length);
    assert.match(of('text.pcap')?.damage?.what ?? '', /text\.pcap/);
    assert.match(ended.stderr, /text\.pcap/);
    assert.match(report(join(directory, 'cut.pcap')).stdout, /\*\*Not whole:\*\* `cut\.pcap`/);
  });

  it('fails in one line, with the status that belongs to it', () => {
    const good = write('good.pcap', pcapOf(traffic(7).slice(0, 10)));
    const text = write('text.pcap', new TextEncoder().encode('this is no capture at all'));
    mkdirSync(join(directory, 'nothing'));
    const cases: [words: string[], status: number, pattern: RegExp][] = [
      [[], 2, /argument/],
      [[good, '--colour'], 2, /unknown option/],
      [[good, '--hops', 'many'], 2, /--hops/],
      [['-'], 2, /standard input/],
      [[good, '-l', 'x'], 2, /no address/],
      [[join(directory, 'gone')], 1, /cannot read .*gone: there is no such/],
      [[join(directory, 'nothing')], 1, /there is no capture in/],
      [[text], 1, /not a capture/],
      [['/dev/null'], 1, /not a regular file/],
      [[good, '-o', good, '--force'], 2, /is the input/],
      [[good, '-o', text], 1, /exists/],
    ];
    for (const [words, status, pattern] of cases) {
      const ended = report(...words);
      assert.equal(ended.status, status, `${words.join(' ')}: ${ended.stderr}`);
      assert.equal(complaints(ended).length, 1, ended.stderr);
      assert.match(ended.stderr, pattern);
      assert.equal(ended.stdout, '');
    }
  });

  it('takes names for addresses of any form', () => {
    const section = new SectionWriter();
    const names = [
      ['::1:5', 'five'],
      ['fd00::2', 'two'],
      ['127.0.0.2', 'four'],
    ] as const;
    const frames = names.map(([address]) =>
      address.includes(':')
        ? ethernet(0x86dd, ipv6(address, '::1', udp(1, 2)))
        : ethernet(0x0800, ipv4(address, '127.0.0.1', udp(1, 2))),
    );
    write(
      'all.pcapng',
      concat(
        section.header(),
        section.interface(1, {}),
        section.names(...names),
        ...frames.map((frame) => section.enhanced(0, 1n, frame)),
      ),
    );
    // Nobody is asked about the addresses of labels that differ by their ports.
    const ported = ['-l', 'x=127.0.0.2:7', '-l', 'y=127.0.0.2:8'];
    const named = (...words: readonly string[]) =>
      jsonOf(report(directory, '--json', ...words)).labels.map((label) => label.name);
    assert.deepEqual(named(), ['five', 'two', 'four']);
    assert.deepEqual(named(...ported), ['five', 'two']);
    // By their files' names, too.
    const apart = join(directory, 'apart');
    mkdirSync(apart);
    for (const [index, [, name]] of names.entries())
      writeFileSync(join(apart, `${name}.pcap`), pcapFile([{ data: frames[index] }]));
    const { labels } = jsonOf(report(apart, '--json'));
    assert.deepEqual(
      labels.map(({ name, address }) => `${name} ${address}`).sort(),
      names.map(([address, name]) => `${name} ${address}`).sort(),
    );
  });

  it('writes to a file that is new, its own, and no link', () => {
    const good = write('good.pcap', pcapOf(traffic(8)));
    const out = join(directory, 'report.md');
    const ended = report(good, '-o', out);
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stdout, '');
    const text = readFileSync(out, 'utf8');
    assert.equal(text, report(good, '-o', '-').stdout);
    assert.equal(statSync(out).mode & 0o777, 0o600);
    assert.equal(report(good, '-o', out).status, 1);
    assert.equal(report(good, '-o', out, '--json', '--force').status, 0);
    assert.notEqual(readFileSync(out, 'utf8'), text);
    const link = join(directory, 'link.md');
    symlinkSync(join(directory, 'target'), link);
    assert.equal(report(good, '-o', link).status, 1);
    assert.ok(!existsSync(join(directory, 'target')));
  });

  it('names what files alone can name, and says what they cannot', () => {
    const between = (client: string, server: string, at: number) =>
      new Conversation({ client, server, at }).open().data('client', 10).frames;
    const two = between('127.0.0.2', '127.0.0.3', 1000);
    write('left.pcap', pcapOf(two));
    const alone = report(directory);
    assert.equal(alone.status, 0);
    assert.match(alone.stderr, /give -l left=127\.0\.0\.[23] or -l left=127\.0\.0\.[23]/);
    assert.deepEqual(jsonOf(report(directory, '--json')).labels, []);
    // With a file that has only one of them, the other is left's.
    write('right.pcap', pcapOf([...two, ...between('127.0.0.3', '127.0.0.1', 1001)]));
    const named = ({ labels }: Report) => labels.map(({ name, address }) => `${name}=${address}`);
    const both = jsonOf(report(directory, '--json'));
    assert.deepEqual(named(both), ['left=127.0.0.2', 'right=127.0.0.3']);
    assert.deepEqual(
      both.labels.map(({ files }) => files),
      [['left.pcap'], ['right.pcap']],
    );
    // What is given is not named again.
    const given = jsonOf(report(directory, '--json', '-l', 'x=127.0.0.3', '-l', 'gone=127.0.0.9'));
    assert.deepEqual(named(given), ['x=127.0.0.3']);
    assert.deepEqual(given.silent, ['gone']);
  });
});
