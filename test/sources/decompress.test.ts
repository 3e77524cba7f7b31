import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import { concat, ethernet, ipv4, pcapFile, udp, type Bytes } from '../../fixtures/frames.js';
import { createRandom } from '../../fixtures/random.js';
import { lacking } from '../requirements.js';
import { readBytes } from './read-all.js';

const random = createRandom(7);
const file = pcapFile(
  Array.from({ length: 3000 }, (_, index) => {
    const data = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(4000, 9092, index % 1400)));
    // Not all of it can be made shorter.
    if (index % 3 === 0) for (let at = 42; at < data.length; at++) data[at] = random.integer(256);
    return { fraction: index, data };
  }),
);
const records = file.length - 24;

function through(program: string, ...options: readonly string[]): Bytes {
  return new Uint8Array(
    execFileSync(program, ['-c', ...options], { input: file, maxBuffer: 1 << 28 }),
  );
}

function sizeOf(packets: readonly { readonly data: Bytes }[]): number {
  return packets.reduce((sum, { data }) => sum + 16 + data.length, 0);
}

/** Skippable frame, the same magic for zstd and lz4. */
const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

describe('compressed captures', { skip: lacking('zstd', 'lz4') }, () => {
  const kinds: [string, () => Bytes][] = [
    ['gzip', () => new Uint8Array(zlib.gzipSync(file))],
    ['gzip, stored', () => new Uint8Array(zlib.gzipSync(file, { level: 0 }))],
    ['zstd', () => through('zstd')],
    ['zstd, best, no checksum', () => through('zstd', '-19', '--no-check')],
    ['zstd, long window', () => through('zstd', '--long=26')],
    ['lz4', () => through('lz4')],
    ['lz4, linked blocks of 64 KiB', () => through('lz4', '-B4', '-BD', '-9')],
    ['lz4, checksums and size', () => through('lz4', '-BX', '--content-size')],
  ];
  for (const [name, make] of kinds) {
    it(`are read: ${name}`, async () => {
      const bytes = make();
      for (const chunk of [1000, 65_536]) {
        const { packets, error } = await readBytes(bytes, {}, chunk);
        assert.equal(error, null);
        assert.equal(packets.length, 3000);
        assert.equal(sizeOf(packets), records);
      }
    });

    it(`are read up to where they are cut: ${name}`, async () => {
      const bytes = make();
      for (const length of [20, 30_000, bytes.length - 20, bytes.length - 1]) {
        const { packets, error } = await readBytes(bytes.subarray(0, length));
        assert.equal(error?.code, 'INPUT_DAMAGED', `${length}`);
        assert.match(error?.message ?? '', /end of file/i);
        // At most what one block of the compression holds is missing.
        if (length === bytes.length - 1) assert.ok(sizeOf(packets) > records - 4_300_000);
      }
    });
  }

  it('may consist of several members or frames', async () => {
    const half = 24 + 16 + 42;
    const [first, second] = [file.subarray(0, half), file.subarray(half)];
    const gzip = concat(
      new Uint8Array(zlib.gzipSync(first)),
      new Uint8Array(zlib.gzipSync(second)),
    );
    const run = (program: string, input: Bytes): Bytes =>
      new Uint8Array(execFileSync(program, ['-c'], { input, maxBuffer: 1 << 28 }));
    const frames = (program: string): Bytes =>
      concat(run(program, first), skippable, run(program, second), skippable);
    for (const bytes of [gzip, frames('zstd'), frames('lz4')]) {
      const { packets, error } = await readBytes(bytes);
      assert.equal(error, null);
      assert.equal(packets.length, 3000);
    }
  });

  it('are refused where they are damaged or want too much', async () => {
    const gzip = zlib.gzipSync(file);
    gzip[gzip.length - 6] ^= 1;
    const zstd = through('zstd');
    // A window of 2 GiB.
    const greedy = Uint8Array.from(zstd);
    greedy[4] = 0;
    greedy[5] = 21 << 3;
    const cases: [Uint8Array, RegExp][] = [
      [gzip, /gzip data of stream is damaged, incorrect data check/],
      [greedy, /window of 2147483648 bytes|Frame requires too much memory/],
      [concat(through('lz4'), Uint8Array.of(1, 2, 3, 4, 5)), /something else stands/],
    ];
    for (const [bytes, message] of cases) {
      const { error } = await readBytes(bytes);
      assert.match(error?.message ?? '', message);
    }
  });

  it('take no memory for what they grow to', async () => {
    // 1.5 GB of packets in 1.5 MB, of which nothing is kept.
    const zeros = zlib.gzipSync(Buffer.alloc(64 << 20), { level: 9 });
    const head = zlib.gzipSync(pcapFile([]));
    const bomb = Buffer.concat([head, ...new Array<Buffer>(24).fill(zeros)]);
    const { rss } = process.memoryUsage();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss() - rss);
    }, 20);
    const { createArena } = await import('../../src/packet/arena.js');
    const { openCapture } = await import('../../src/sources/open.js');
    const { fileRegionSizes } = await import('../../src/sources/window.js');
    const { StreamInput } = await import('../../src/sources/stream-input.js');
    const { Readable } = await import('node:stream');
    const { arena, regions } = createArena(fileRegionSizes);
    const input = new StreamInput('bomb', Readable.from([bomb], { objectMode: true }));
    const source = await openCapture(input, arena, regions);
    let bytes = 0;
    for (let batch = await source.next(); batch !== null; batch = await source.next()) {
      bytes += batch.end - batch.start;
    }
    clearInterval(watch);
    await source.close();
    assert.equal(bytes, 24 * (64 << 20));
    assert.ok(most < 100 << 20, `${most} bytes more`);
  });
});
