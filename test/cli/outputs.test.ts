/** What lbcap writes besides plain pcap, read by others: tshark, capinfos, editcap, tcpdump. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { Blocks } from '../../fixtures/blocks.js';
import { concat, ethernet, ipv4, ipv6, pcapFile, udp, type Packet } from '../../fixtures/frames.js';
import { lacking } from '../requirements.js';
import { complaints, lbcap, lbcapPath } from './lbcap.js';

const skip = lacking('tshark', 'capinfos', 'editcap', 'mergecap', 'tcpdump');
const root = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
let out = '';
let count = 0;
beforeEach(() => {
  directory = join(root, String(count++));
  out = join(directory, 'out');
  mkdirSync(directory);
});

/** A client's, another's and nobody's, over IPv4 and IPv6, one second in a hundred. */
function traffic(packets: number): Packet[] {
  return Array.from({ length: packets }, (_, index): Packet => {
    const peer = `127.0.0.${2 + (index % 4)}`;
    const payload = udp(4000, 9092, (index * 37) % 1400);
    const data =
      index % 9 === 0
        ? ethernet(0x86dd, ipv6('fd00::2', '::1', payload))
        : index % 2 === 0
          ? ethernet(0x0800, ipv4(peer, '127.0.0.1', payload))
          : ethernet(0x0800, ipv4('127.0.0.1', peer, payload));
    return {
      seconds: 1_700_000_000 + Math.floor(index / 10),
      fraction: (index % 10) * 100_000 + 1,
      data,
      originalLength: data.length + (index % 7 === 0 ? 1000 : 0),
    };
  });
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

/** The program's words; it must have nothing to complain of. */
function run(program: string, words: readonly string[], input?: Uint8Array): string {
  const { status, stdout, stderr } = spawnSync(program, words, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    ...(input === undefined ? {} : { input }),
  });
  const usual = /^Running as user "root"|^reading from file|^dropped privs to|^\s*$/;
  const complaint = stderr.split('\n').filter((line) => !usual.test(line));
  assert.deepEqual([status, complaint], [0, []], `${program} ${words.join(' ')}`);
  return stdout;
}

/** A line for each packet, with these fields between tabs. */
function fields(path: string, names: readonly string[], ...more: readonly string[]): string[] {
  const words = names.flatMap((name) => ['-e', name]);
  return run('tshark', ['-r', path, '-T', 'fields', ...words, ...more])
    .split('\n')
    .filter((line) => line !== '');
}

function split(words: readonly string[], expected = 0): ReturnType<typeof lbcap> {
  const ended = lbcap(['split', ...words]);
  assert.equal(ended.status, expected, ended.stderr);
  return ended;
}

const labels = ['-l', 'client=127.0.0.2,fd00::2', '-l', 'pair=127.0.0.3-127.0.0.4'];

describe('pcapng that lbcap writes', { skip }, () => {
  it('says everything that it should, and nobody complains', () => {
    const input = write('in.pcap', pcapFile(traffic(400)));
    const words = ['--format', 'pcapng', '--comment', 'issue 42', '--comment', 'second'];
    split([input, ...labels, '--others', '-o', out, ...words]);
    const path = join(out, 'client.pcapng');
    const info = run('capinfos', [path]);
    assert.match(info, /Capture hardware: +\S/);
    assert.match(info, /Capture oper-sys: +Linux/);
    assert.match(info, /Capture application: +lbcap \d/);
    assert.match(info, /Capture comment: +issue 42\n.*second/);
    assert.match(info, /Name = lbcap:client\n/);
    assert.match(info, /Filter string = host 127\.0\.0\.2 or host fd00::2\n/);
    assert.match(info, /Time resolution = 0x09\n/);
    assert.match(info, /Number of stat entries = 1\n/);
    assert.match(info, /Number of resolved IPv4 addresses in file: 3\n/);
    assert.match(info, /Number of resolved IPv6 addresses in file: 1\n/);
    const expected = execFileSync(
      'tcpdump',
      ['-r', input, '-w', '-', 'host 127.0.0.2 or host fd00::2'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const back = join(directory, 'back.pcap');
    run('editcap', ['-F', 'pcap', path, back]);
    // All but the header, whose snaplen editcap chooses.
    assert.ok(readFileSync(back).subarray(24).equals(expected.subarray(24)));
    run('tcpdump', ['-r', path, '-c', '3']);
    assert.match(run('capinfos', ['-Mc', join(out, 'others.pcapng')]), /packets: +\d+/);
  });

  it('names addresses and tells directions, seen from the label', () => {
    const input = write('in.pcap', pcapFile(traffic(100)));
    split([input, ...labels, '-o', out, '--format', 'pcapng']);
    const names = ['ip.src_host', 'ip.dst_host', 'frame.packet_flags_direction'];
    const seen = new Set(
      fields(join(out, 'client.pcapng'), [...names, 'ipv6.src_host'], '-N', 'n'),
    );
    assert.deepEqual(
      [...seen].sort(),
      ['\t\t0x00000002\tclient', 'client\t127.0.0.1\t0x00000002\t'].sort(),
    );
    const pair = new Set(fields(join(out, 'pair.pcapng'), names, '-N', 'n'));
    assert.deepEqual(
      [...pair].sort(),
      ['127.0.0.1\tpair\t0x00000001', 'pair\t127.0.0.1\t0x00000002'].sort(),
    );
  });

  it('streams all labels as one, a packet of two once, with an interface each', () => {
    const data = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.3', udp(1, 2)));
    const back = ethernet(0x0800, ipv4('127.0.0.3', '127.0.0.2', udp(2, 1)));
    const input = write('in.pcap', pcapFile([...traffic(100), { data }, { data: back }]));
    const shell = `"$0" "$1" split "$2" -l client=127.0.0.2 -l pair=127.0.0.3 --others -o - > "$3"`;
    const stream = join(directory, 'stream');
    const words = ['-c', shell, process.execPath, lbcapPath, input, stream];
    assert.equal(spawnSync('sh', words).status, 0);
    const interfaces = fields(stream, ['frame.interface_name']);
    assert.equal(interfaces.length, 102);
    const counted = (name: string) => interfaces.filter((line) => line === name).length;
    // Every other packet of 127.0.0.2 is one to it, which the traffic has none of.
    assert.deepEqual(interfaces.slice(-2), ['lbcap:client', 'lbcap:pair']);
    assert.ok(counted('lbcap:client') > 1 && counted('lbcap:others') > 1);
    const times = (path: string) => fields(path, ['frame.time_epoch', 'frame.len']);
    assert.deepEqual(
      times(stream),
      times(input).map((line) => line),
    );
  });

  it('ends quietly when the reader of the stream has had enough', () => {
    const input = write('in.pcap', pcapFile(Array<Packet[]>(40).fill(traffic(400)).flat()));
    const shell = `{ "$0" "$1" split "$2" -l all=127.0.0.0/8 -o -; echo status $? >&2; } | head -c 1000 | wc -c`;
    const ended = spawnSync('sh', ['-c', shell, process.execPath, lbcapPath, input], {
      encoding: 'utf8',
    });
    assert.equal(ended.stdout.trim(), '1000');
    assert.match(ended.stderr, /the reader of standard output ended first\nstatus 0\n$/);
  });

  it('keeps what a pcapng has: comments, flags, hashes, drops, secrets, sections of either order', () => {
    const mine = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(1, 2)));
    const other = ethernet(0x0800, ipv4('127.0.0.9', '127.0.0.1', udp(1, 2)));
    const keyLog = `CLIENT_RANDOM ${'1'.repeat(64)} ${'2'.repeat(96)}\n`;
    const section = (bigEndian: boolean): Uint8Array => {
      const blocks = new Blocks(bigEndian);
      const flags = blocks.words(32, 2);
      const drops = bigEndian ? blocks.words(32, 0, 5) : blocks.words(32, 5, 0);
      return concat(
        blocks.section([
          [1, 'of the whole'],
          [2, 'a machine'],
        ]),
        blocks.interface(1, [[2, 'eth9']]),
        blocks.interface(101, [[9, Uint8Array.of(9)]]),
        blocks.secrets(keyLog),
        blocks.packet(0, 1_700_000_000_000_000n, mine, [
          [1, 'mine'],
          [2, flags],
          [3, Uint8Array.of(2, 1, 2, 3, 4)],
          [4, drops],
        ]),
        blocks.packet(0, 1_700_000_000_000_001n, other, [[1, 'not mine']]),
        blocks.packet(1, 1_700_000_000_000_000_007n, mine.slice(14)),
        blocks.statistics(0, 3, 4),
      );
    };
    const input = write('in.pcapng', concat(section(false), section(true)));
    split([input, '-l', 'client=127.0.0.2', '-o', out, '--format', 'pcapng', '--comment', 'new']);
    const path = join(out, 'client.pcapng');
    const info = run('capinfos', [path]);
    assert.match(info, /Number of packets: +4\n/);
    assert.match(info, /Capture hardware: +a machine/);
    assert.match(info, /Capture comment: +of the whole\n.*new/);
    assert.match(info, /Name = eth9\n/);
    assert.match(info, /Name = lbcap:client\n/);
    assert.match(info, /decryption secrets in file: 2\n/);
    const entries = (text: string) => text.match(/Number of stat entries = \d+/g);
    assert.deepEqual(entries(info), entries(run('capinfos', [input])));
    const names = ['frame.comment', 'frame.packet_flags_direction', 'frame.time_epoch'];
    assert.deepEqual(fields(path, names), [
      'mine\t0x00000002\t1700000000.000000000',
      '\t\t1700000000.000000007',
      'mine\t0x00000002\t1700000000.000000000',
      '\t\t1700000000.000000007',
    ]);
    const bytes = readFileSync(path);
    // Hash and drop count, which tshark does not show.
    for (const bigEndian of [false, true]) {
      const blocks = new Blocks(bigEndian);
      const hash = blocks.option([3, Uint8Array.of(2, 1, 2, 3, 4)]);
      assert.ok(bytes.includes(Buffer.from(hash)), `hash, big-endian ${bigEndian}`);
      assert.ok(
        bytes.includes(Buffer.from(blocks.statistics(0, 3, 4))),
        `drops, big-endian ${bigEndian}`,
      );
    }
    // In the stream an interface is a label's.
    const shell = `"$0" "$1" split "$2" -l client=127.0.0.2 -o - > "$3"`;
    const stream = join(directory, 'stream');
    spawnSync('sh', ['-c', shell, process.execPath, lbcapPath, input, stream]);
    assert.deepEqual(fields(stream, ['frame.interface_name', 'frame.interface_description']), [
      'lbcap:client\teth9',
      'lbcap:client\t',
      'lbcap:client\teth9',
      'lbcap:client\t',
    ]);
  });

  it('holds the same packets when it is split again', () => {
    const input = write('in.pcap', pcapFile(traffic(300)));
    split([input, '-l', 'all=::/0,0.0.0.0/0', '-o', out, '--format', 'pcapng']);
    const again = join(directory, 'again');
    split([join(out, 'all.pcapng'), '-l', 'all=::/0,0.0.0.0/0', '-o', again, '--format', 'pcapng']);
    const wanted = ['frame.time_epoch', 'frame.len', 'frame.cap_len', 'udp.payload'];
    assert.deepEqual(fields(join(again, 'all.pcapng'), wanted), fields(input, wanted));
  });
});

describe('compressed files', { skip }, () => {
  for (const [method, ending] of [
    ['gzip', 'gz'],
    ['zstd', 'zst'],
    ['lz4', 'lz4'],
  ] as const) {
    it(`hold what files without ${method} do`, () => {
      const input = write('in.pcap', pcapFile(Array<Packet[]>(30).fill(traffic(400)).flat()));
      split([input, ...labels, '-o', out]);
      const plain = fields(join(out, 'client.pcap'), ['frame.number', 'frame.time_epoch']);
      for (const format of ['pcap', 'pcapng']) {
        const compressed = join(directory, format);
        const words = ['--compress', method, '--format', format];
        const { stderr } = split([input, ...labels, '-o', compressed, ...words]);
        assert.deepEqual(readdirSync(compressed).sort(), [
          `client.${format}.${ending}`,
          `pair.${format}.${ending}`,
        ]);
        assert.match(stderr, new RegExp(`client\\.${format}\\.${ending} +ip\\.addr`));
        const path = join(compressed, `client.${format}.${ending}`);
        assert.deepEqual(fields(path, ['frame.number', 'frame.time_epoch']), plain);
        // What was written before a kill can be read: members end where writes do.
        truncateSync(path, Math.floor(readFileSync(path).length * 0.8));
        const { stdout } = spawnSync('tshark', ['-r', path], { encoding: 'utf8' });
        assert.ok(stdout.split('\n').length > plain.length / 2);
      }
    });
  }
});

describe('rings of split', { skip }, () => {
  it('follow the time of the packets, and are told', () => {
    const input = write('in.pcap', pcapFile(traffic(100)));
    const words = ['--rotate-time', '3s', '--format', 'pcapng', '--json'];
    const ended = split([input, '-l', 'all=::/0,0.0.0.0/0', '-o', out, ...words]);
    const events = ended.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; file: string; packets: number });
    const files = events.filter(({ event }) => event === 'file');
    assert.deepEqual(
      files.map(({ file, packets }) => [file.slice(-16), packets]),
      [1, 2, 3, 4].map((number) => [`all.0000${number}.pcapng`, number < 4 ? 30 : 10]),
    );
    for (const { file, packets } of files) {
      const info = run('capinfos', ['-Mc', file]);
      assert.match(info, new RegExp(`packets: +${packets}\\n`));
      assert.match(run('capinfos', [file]), /Number of stat entries = 1\n/);
    }
    const end = events.at(-1) as unknown as { labels: { files: string[]; file: string }[] };
    assert.deepEqual(
      end.labels[0]?.files,
      files.map(({ file }) => file),
    );
    assert.equal(end.labels[0]?.file, files.at(-1)?.file);
  });

  it('say in each file when its last packet was', () => {
    const input = write('in.pcap', pcapFile(traffic(2000)));
    const words = ['--rotate-size', '100k', '--format', 'pcapng'];
    split([input, '-l', 'all=::/0,0.0.0.0/0', '-o', out, ...words]);
    const files = readdirSync(out);
    assert.ok(files.length > 5);
    for (const name of files) {
      const view = new DataView(new Uint8Array(readFileSync(join(out, name))).buffer);
      const time = (at: number) => [view.getUint32(at, true), view.getUint32(at + 4, true)];
      let lastPacket: number[] = [];
      let end: number[] | null = null;
      for (let at = 0; at < view.byteLength; at += view.getUint32(at + 4, true)) {
        if (view.getUint32(at, true) === 6) lastPacket = time(at + 12);
        if (view.getUint32(at, true) !== 5) continue;
        // Options of an interface statistics block: isb_endtime is 3.
        for (let option = at + 20, code = -1; code !== 0;) {
          code = view.getUint16(option, true);
          if (code === 3) end = time(option + 4);
          option += 4 + Math.ceil(view.getUint16(option + 2, true) / 4) * 4;
        }
      }
      assert.deepEqual(end, lastPacket, name);
    }
  });

  it('are no longer than asked, compressed and kept few', () => {
    const input = write('in.pcap', pcapFile(traffic(2000)));
    const words = ['--rotate-size', '100k', '--keep', '2', '--compress', 'gzip'];
    const { stderr } = split([input, '-l', 'all=::/0,0.0.0.0/0', '-o', out, ...words]);
    assert.equal(readdirSync(out).length, 2);
    assert.match(stderr, /all\.00001\.pcap\.gz …/);
    assert.match(stderr, /all\.00001\.pcap\.gz is complete, \d+ packets/);
    for (const name of readdirSync(out)) run('capinfos', ['-Mc', join(out, name)]);
  });
});

describe('outputs that cannot be', () => {
  it('are refused by their words, and nothing is touched', () => {
    const input = write('in.pcap', pcapFile(traffic(10)));
    const cases: [string[], RegExp][] = [
      [['--format', 'pcap', '-o', '-'], /--format pcap and --out -/],
      [['--json', '-o', '-'], /--json and --out -/],
      [['--compress', 'gzip', '-o', '-'], /--compress and --out -/],
      [['--rotate-size', '1k', '-o', '-'], /--rotate-size and --out -/],
      [['--force', '-o', '-'], /--force and --out -/],
      [['--compress', 'rar'], /no --compress rar/],
      [['--keep', '3'], /--keep is for files that rotate/],
      [['--rotate-size', '1k', '--keep', '0'], /--keep 0/],
      [['--rotate-size', 'x'], /--rotate-size/],
      [['--rotate-time', '0s'], /--rotate-time/],
      [['--comment', 'x'], /--comment is for pcapng/],
    ];
    for (const [words, message] of cases) {
      const ended = lbcap(['split', input, '-l', 'a=127.0.0.2', ...words], { cwd: directory });
      assert.equal(ended.status, 2, words.join(' '));
      assert.equal(complaints(ended).length, 1);
      assert.match(ended.stderr, message);
      assert.deepEqual(readdirSync(directory), ['in.pcap']);
    }
  });

  it('are refused on a terminal', { skip: lacking('python3') }, () => {
    const input = write('in.pcap', pcapFile(traffic(10)));
    const script = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
    const words = [lbcapPath, 'split', input, '-l', 'a=127.0.0.2', '-o', '-'];
    const ended = spawnSync('python3', ['-c', script, process.execPath, ...words], {
      encoding: 'utf8',
      input: '',
    });
    assert.match(ended.stdout, /standard output is a terminal: pipe it/);
    assert.equal(ended.status, 2);
  });

  it('are the input itself, by whatever name', () => {
    const input = write('in.pcap', pcapFile(traffic(10)));
    const before = readFileSync(input);
    mkdirSync(out);
    linkSync(input, join(out, 'hard.pcap'));
    symlinkSync(input, join(out, 'soft.pcap'));
    linkSync(input, join(out, 'ring.00007.pcap'));
    const cases = [
      ['-l', 'hard=127.0.0.2'],
      ['-l', 'soft=127.0.0.2'],
      ['-l', 'ring=127.0.0.2', '--rotate-size', '1k'],
    ];
    for (const words of cases) {
      const ended = lbcap(['split', input, ...words, '-o', out, '--force']);
      assert.equal(ended.status, 2, words.join(' '));
      assert.match(ended.stderr, /is the input/);
      assert.ok(readFileSync(input).equals(before));
      assert.equal(readdirSync(out).length, 3);
    }
    assert.ok(existsSync(join(out, 'ring.00007.pcap')));
  });
});
