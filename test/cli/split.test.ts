import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
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
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import {
  ethernet,
  ipv4,
  ipv6,
  pcapFile,
  tcp,
  udp,
  type Packet,
  type PcapOptions,
} from '../../fixtures/frames.js';
import { complaints, lbcap, lbcapPath } from './lbcap.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
let count = 0;
beforeEach(() => {
  directory = join(root, String(count++));
  mkdirSync(directory);
});

/** Clients .2 to .9, a server, ::1 by ports, traffic of nobody and one ARP frame. */
function traffic(packets: number, nanoseconds: boolean): Packet[] {
  return Array.from({ length: packets }, (_, index): Packet => {
    const client = `127.0.0.${2 + ((index * index) % 9)}`;
    // Long ones are not copied on their way.
    const size = index % 25 === 0 ? 9000 + (index % 100) * 200 : (index * 37) % 1400;
    const data =
      index % 11 === 0
        ? ethernet(0x86dd, ipv6('::1', '::1', tcp(9092, 40_000 + index, 0x10), 6))
        : index % 13 === 0
          ? ethernet(0x0806, new Uint8Array(28))
          : index % 2 === 0
            ? ethernet(0x0800, ipv4(client, '127.0.0.1', udp(5000, 9092, size)))
            : ethernet(0x0800, ipv4('127.0.0.1', client, udp(9092, 5000, size)));
    return {
      seconds: 1_700_000_000 + Math.floor(index / 100),
      fraction: (index % 100) * (nanoseconds ? 10_000_001 : 10_000),
      data,
      originalLength: data.length + (index % 7 === 0 ? 1000 : 0),
    };
  });
}

function write(name: string, packets: readonly Packet[], options: PcapOptions = {}): string {
  const path = join(directory, name);
  writeFileSync(path, pcapFile(packets, options));
  return path;
}

function tcpdump(path: string, filter: string, ...words: readonly string[]): Buffer {
  return execFileSync('tcpdump', ['-r', path, '-w', '-', ...words, filter], {
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 * 1024,
  });
}

describe('lbcap split', () => {
  for (const bigEndian of [false, true]) {
    for (const nanoseconds of [false, true]) {
      it(`gives each label what tcpdump gives: big-endian ${bigEndian}, nanoseconds ${nanoseconds}`, () => {
        const input = write('in.pcap', traffic(3000, nanoseconds), { bigEndian, nanoseconds });
        const out = join(directory, 'out');
        const labels = ['a=127.0.0.2', 'b=127.0.0.3-127.0.0.6', 'c=[::1]:9092'];
        const words = labels.flatMap((label) => ['-l', label]);
        const ended = lbcap(['split', input, ...words, '--others', '-o', out, '--json']);
        assert.equal(ended.status, 0, ended.stderr);

        const bpf = lbcap(['filter', ...words, '--for', 'bpf', '--each'])
          .stdout.trim()
          .split('\n');
        const end = JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '') as {
          labels: { name: string; packets: number; file: string }[];
          others: { packets: number; file: string };
          packets: number;
        };
        let labelled = 0;
        for (const [index, line] of bpf.entries()) {
          const [name = '', filter = ''] = line.split('\t');
          const expected = tcpdump(input, filter, ...(nanoseconds ? ['--nano'] : []));
          const file = readFileSync(join(out, `${name}.pcap`));
          // tcpdump writes in this machine's byte order, whatever it read.
          const ours = bigEndian
            ? tcpdump(join(out, `${name}.pcap`), '', ...(nanoseconds ? ['--nano'] : []))
            : file;
          assert.ok(ours.subarray(24).equals(expected.subarray(24)), name);
          assert.equal(file.readUInt32BE(0), readFileSync(input).readUInt32BE(0));
          labelled += end.labels[index]?.packets ?? NaN;
        }
        const info = execFileSync('capinfos', ['-Mc', join(out, 'others.pcap')], {
          encoding: 'utf8',
        });
        assert.match(info, new RegExp(`packets: +${end.others.packets}\\n`));
        assert.equal(end.packets, 3000);
        assert.equal(labelled + end.others.packets, 3000, 'nobody talks to another label here');
        assert.match(
          ended.stderr,
          /3,000 packets in = [\d,]+ in at least one label \+ [\d,]+ others/,
        );
      });
    }
  }

  it('gives a label that takes everything the very same file', () => {
    const packets = traffic(500, true).filter((_, index) => index % 11 !== 0 && index % 13 !== 0);
    for (const options of [{}, { bigEndian: true }, { nanoseconds: true, snaplen: 77 }]) {
      const input = write('in.pcap', packets, options);
      const ended = lbcap(['split', input, '-l', 'all=127.0.0.0/8', '-o', directory, '--force']);
      assert.equal(ended.status, 0, ended.stderr);
      assert.ok(readFileSync(join(directory, 'all.pcap')).equals(readFileSync(input)));
    }
  });

  it('turns micro- into nanoseconds where that is asked for', () => {
    const input = write('in.pcap', traffic(300, false));
    assert.equal(
      lbcap(['split', input, '-l', 'a=127.0.0.0/8', '--nano', '-o', directory]).status,
      0,
    );
    const expected = tcpdump(input, 'net 127.0.0.0/8', '--nano');
    assert.ok(readFileSync(join(directory, 'a.pcap')).subarray(24).equals(expected.subarray(24)));
  });

  it('reads standard input, and several captures one after the other', () => {
    const packets = traffic(400, false);
    const whole = write('whole.pcap', packets);
    const first = write('first.pcap', packets.slice(0, 150));
    const second = write('second.pcap', packets.slice(150), { bigEndian: true });
    const label = ['-l', 'a=127.0.0.2-127.0.0.4'];
    const piped = lbcap(['split', '-', ...label, '-o', join(directory, 'piped')], {
      input: readFileSync(whole),
    });
    assert.equal(piped.status, 0, piped.stderr);
    const both = lbcap(['split', first, second, ...label, '-o', join(directory, 'both')]);
    assert.equal(both.status, 0, both.stderr);
    const expected = tcpdump(whole, 'net 127.0.0.2/31 or host 127.0.0.4');
    assert.ok(readFileSync(join(directory, 'piped', 'a.pcap')).equals(expected));
    assert.ok(
      readFileSync(join(directory, 'both', 'a.pcap'))
        .subarray(24)
        .equals(expected.subarray(24)),
    );
  });

  it('puts a packet between two labels into both files', () => {
    const data = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.3', udp(1, 2)));
    const input = write('in.pcap', [{ data }, { data }]);
    const ended = lbcap([
      'split',
      input,
      '-l',
      'a=127.0.0.2',
      '-l',
      'b=127.0.0.3',
      '-o',
      directory,
    ]);
    assert.match(ended.stderr, /2 packets in = 2 in at least one label \+ 0 others/);
    for (const name of ['a', 'b']) {
      assert.ok(readFileSync(join(directory, `${name}.pcap`)).equals(readFileSync(input)));
    }
  });

  it('counts cut and lying packets as unclassified and keeps them with the others', () => {
    const good = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(1, 2)));
    const lying = Uint8Array.from(good);
    lying[14] = 0x41;
    const input = write('in.pcap', [{ data: good }, { data: good.slice(0, 30) }, { data: lying }]);
    const ended = lbcap([
      'split',
      input,
      '-l',
      'a=127.0.0.2',
      '--others',
      '-o',
      directory,
      '--json',
    ]);
    assert.equal(ended.status, 0);
    assert.match(ended.stdout, /"unclassified":2/);
    assert.match(ended.stderr, /3 packets in = 1 .* \+ 2 others \(2 of them cut or contradicting/);
    assert.equal(statSync(join(directory, 'others.pcap')).size, 24 + 16 + 30 + 16 + lying.length);
  });
});

describe('lbcap split, given something bad', () => {
  it('writes what stands before the damage, and says where it is', () => {
    const packets = traffic(200, false);
    const whole = pcapFile(packets);
    const path = join(directory, 'cut.pcap');
    writeFileSync(path, whole.subarray(0, whole.length - 5));
    const ended = lbcap(['split', path, '-l', 'a=127.0.0.0/8', '-o', join(directory, 'cut')]);
    assert.equal(ended.status, 1);
    const offset = whole.length - 16 - (packets.at(-1)?.data.length ?? 0);
    assert.match(
      complaints(ended).at(-1) ?? '',
      new RegExp(`cut\\.pcap is damaged at byte ${offset}: `),
    );
    const expected = tcpdump(write('before.pcap', packets.slice(0, -1)), 'net 127.0.0.0/8');
    assert.ok(readFileSync(join(directory, 'cut', 'a.pcap')).equals(expected));

    const header = new Uint8Array(16);
    new DataView(header.buffer).setUint32(8, 0xffffffff, true);
    writeFileSync(path, Buffer.concat([whole, header]));
    const lying = lbcap(['split', path, '-l', 'a=127.0.0.0/8', '-o', join(directory, 'lying')]);
    assert.equal(lying.status, 1);
    assert.match(complaints(lying).at(-1) ?? '', /claims 4294967295 captured bytes/);
  });

  it('refuses what is no capture, with one line and status 1', () => {
    const cases: [string, Uint8Array, RegExp][] = [
      ['empty.pcap', new Uint8Array(0), /is empty/],
      ['header.pcap', pcapFile([]).subarray(0, 20), /cut in the file header/],
      ['magic.pcap', Buffer.from('GIF89a, but no capture at all'), /is not a capture/],
    ];
    for (const [name, bytes, message] of cases) {
      const path = join(directory, name);
      writeFileSync(path, bytes);
      const ended = lbcap(['split', path, '-l', 'a=127.0.0.2', '-o', join(directory, 'out')]);
      assert.equal(ended.status, 1, name);
      assert.equal(complaints(ended).length, 1, ended.stderr);
      assert.match(complaints(ended)[0] ?? '', message);
      assert.doesNotMatch(ended.stderr, /\n\s+at /);
      assert.ok(!existsSync(join(directory, 'out')), name);
    }
  });

  it('touches nothing when the words are wrong', () => {
    const input = write('in.pcap', traffic(10, false));
    const cases: [string[], RegExp][] = [
      [['-l', 'a/b=127.0.0.2'], /a\/b/],
      [['-l', '../x=127.0.0.2'], /\.\.\/x/],
      [['-l', '=127.0.0.2'], /./],
      [['-l', `${'n'.repeat(300)}=127.0.0.2`], /./],
      [['-l', 'a=127.0.0.256'], /127\.0\.0\.256/],
      [['-l', 'a=127.0.0.2/33'], /127\.0\.0\.2\/33/],
      [['-l', 'a=1.2.3'], /1\.2\.3/],
      [['-l', 'a=127.0.0.9-127.0.0.2'], /127\.0\.0\.9-127\.0\.0\.2/],
      [['-l', 'a=127.0.0.2', '-l', 'b=127.0.0.0/28'], /\ba\b.*\bb\b|\bb\b.*\ba\b/],
      [['-l', 'a=127.0.0.2', '-l', 'a=127.0.0.3'], /\ba\b/],
      [['-l', 'others=127.0.0.2', '--others'], /others/],
      [['-l', 'a=127.0.0.2', '--format', 'gif'], /gif/],
      [['-l', 'a=127.0.0.2', '--no-such-option'], /no-such-option/],
    ];
    for (const [words, message] of cases) {
      const ended = lbcap(['split', input, '-o', join(directory, 'out'), ...words]);
      assert.equal(ended.status, 2, words.join(' '));
      assert.equal(ended.stderr.trim().split('\n').length, 1, ended.stderr);
      assert.match(ended.stderr, /^lbcap: .+: .+/);
      assert.match(ended.stderr, message);
      assert.ok(!existsSync(join(directory, 'out')));
    }
  });

  it('overwrites nothing without --force, and never its own input', () => {
    const input = write('a.pcap', traffic(10, false));
    const before = readFileSync(input);
    const own = lbcap(['split', input, '-l', 'a=127.0.0.2', '-o', directory, '--force']);
    assert.equal(own.status, 2);
    assert.match(own.stderr, /is the input/);
    assert.ok(readFileSync(input).equals(before));

    const out = join(directory, 'out');
    assert.equal(lbcap(['split', input, '-l', 'b=127.0.0.2', '-o', out]).status, 0);
    const first = readFileSync(join(out, 'b.pcap'));
    const again = lbcap(['split', input, '-l', 'b=127.0.0.3', '-o', out]);
    assert.equal(again.status, 1);
    assert.match(complaints(again)[0] ?? '', /b\.pcap exists: .*--force/);
    assert.ok(readFileSync(join(out, 'b.pcap')).equals(first));
    assert.equal(lbcap(['split', input, '-l', 'b=127.0.0.3', '-o', out, '--force']).status, 0);
    assert.deepEqual(readdirSync(out), ['b.pcap']);
  });

  it('names a directory that is a file, and inputs that are not there', () => {
    const input = write('in.pcap', traffic(10, false));
    const file = lbcap(['split', input, '-l', 'a=127.0.0.2', '-o', input]);
    assert.equal(file.status, 1);
    assert.match(complaints(file)[0] ?? '', /is not a directory/);
    const none = lbcap(['split', join(directory, 'none'), '-l', 'a=127.0.0.2']);
    assert.equal(none.status, 1);
    assert.match(complaints(none)[0] ?? '', /no such file/);
    const folder = lbcap(['split', directory, '-l', 'a=127.0.0.2']);
    assert.equal(folder.status, 1);
    assert.match(complaints(folder)[0] ?? '', /is a directory/);
  });
});

describe('lbcap split, killed', () => {
  it('leaves records without a gap, at most the last one cut', async () => {
    const input = write('big.pcap', Array<Packet[]>(30).fill(traffic(3000, false)).flat());
    for (let round = 0; round < 8; round++) {
      const out = join(directory, `killed-${round}`);
      const child = spawn(process.execPath, [
        lbcapPath,
        'split',
        input,
        '-o',
        out,
        '-l',
        'a=::/0',
        '-l',
        'b=127.0.0.0/8',
      ]);
      const ended = new Promise((resolve) => child.once('close', resolve));
      const { promise: grown, resolve } = promiseOf<undefined>();
      const watcher = setInterval(() => {
        const size = statSync(join(out, 'b.pcap'), { throwIfNoEntry: false })?.size ?? 0;
        if (size > round * 4_000_000) resolve(undefined);
      }, 1);
      await Promise.race([grown, ended]);
      clearInterval(watcher);
      child.kill('SIGKILL');
      await ended;
      for (const name of ['a', 'b']) {
        const file = readFileSync(join(out, `${name}.pcap`));
        let at = 24;
        for (let length; at + 16 <= file.length; at += 16 + length) {
          length = file.readUInt32LE(at + 8);
          // The kernel may end a write at any page. Every record of the capture has a timestamp and a length; a hole has neither.
          assert.ok(file.readUInt32LE(at) >= 1_700_000_000 && length >= 42, `${name} at ${at}`);
        }
      }
    }
  });
});

function promiseOf<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe('little address space', () => {
  // V8 wants 8 GiB of addresses around a memory of WebAssembly's.
  it('gives the same files', () => {
    const all = write('all.pcap', traffic(3000, false));
    const asPcapng = join(directory, 'all.pcapng');
    execFileSync('editcap', ['-F', 'pcapng', all, asPcapng]);
    const labels = ['-l', 'a=127.0.0.2', '-l', 'b=127.0.0.4-127.0.0.7'];
    for (const [input, ...options] of [[all], [asPcapng], [asPcapng, '--format', 'pcapng']]) {
      const words = [process.execPath, lbcapPath, 'split', input, ...options, ...labels];
      const kept = (limit: string) => {
        const out = join(directory, `${options.length}-${limit}-${input === all}`);
        execFileSync('sh', ['-c', `ulimit -v ${limit} && exec "$@"`, 'sh', ...words, '-o', out], {
          stdio: 'pipe',
        });
        return readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'hex')]);
      };
      const plenty = kept('unlimited');
      assert.equal(plenty.length, 2);
      assert.deepEqual(kept('4000000'), plenty);
    }
  });
});
