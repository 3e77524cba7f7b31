import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { concat, pcapFile, type Bytes, type Packet } from '../../fixtures/frames.js';
import { LbcapError } from '../../src/errors.js';
import { createArena } from '../../src/packet/arena.js';
import type { ByteInput } from '../../src/sources/byte-input.js';
import { openFileInput } from '../../src/sources/file-input.js';
import { StreamInput } from '../../src/sources/stream-input.js';
import { openCapture } from '../../src/sources/open.js';
import { fileRegionSizes } from '../../src/sources/window.js';

const directory = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(directory, { recursive: true }));

/** Sizes that make records straddle every kind of boundary, from empty to the longest there is. */
function packets(count: number): Packet[] {
  return Array.from({ length: count }, (_, index) => ({
    seconds: 1_700_000_000 + index,
    fraction: index,
    data: new Uint8Array(index % 97 === 0 ? 262_144 : (index * 37) % 1500).fill(index),
  }));
}

interface Reading {
  records: Bytes;
  batches: number;
  error: LbcapError | null;
}

/** Everything that the source hands over, and how it ended. */
async function readAll(input: ByteInput): Promise<Reading> {
  const { arena, regions } = createArena(fileRegionSizes);
  const parts: Bytes[] = [];
  let error: LbcapError | null = null;
  try {
    const source = await openCapture(input, arena, regions);
    try {
      for (let batch = await source.next(); batch !== null; batch = await source.next()) {
        parts.push(arena.bytes.slice(batch.start, batch.end));
      }
    } finally {
      await source.close();
    }
  } catch (thrown) {
    assert.ok(thrown instanceof LbcapError, String(thrown));
    error = thrown;
  }
  return { records: concat(...parts), batches: parts.length, error };
}

function fromFile(bytes: Bytes): Promise<Reading> {
  const path = join(directory, 'input.pcap');
  writeFileSync(path, bytes);
  return openFileInput(path).then(readAll);
}

function fromStream(bytes: Bytes, chunk: number): Promise<Reading> {
  const chunks = function* () {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  };
  return readAll(new StreamInput('stream', Readable.from(chunks(), { objectMode: true })));
}

describe('classic pcap source', () => {
  for (const bigEndian of [false, true]) {
    for (const nanoseconds of [false, true]) {
      it(`reads every record: big-endian ${bigEndian}, nanoseconds ${nanoseconds}`, async () => {
        const file = pcapFile(packets(2500), { bigEndian, nanoseconds });
        const { records, batches, error } = await fromFile(file);
        assert.equal(error, null);
        assert.ok(batches > 3, 'the file is longer than its regions');
        assert.ok(Buffer.from(records).equals(file.subarray(24)));
      });
    }
  }

  it('reads the same in chunks of any size', async () => {
    const cut = pcapFile(packets(97).slice(1)).subarray(0, 30_001);
    const whole = await fromFile(cut);
    for (const chunk of [1, 2, 7, 16, 1000, 65_536]) {
      const { records, error } = await fromStream(cut, chunk);
      assert.equal(error?.code, 'INPUT_DAMAGED', 'the file is cut');
      assert.ok(Buffer.from(records).equals(whole.records), `chunks of ${chunk}`);
    }
  });

  it('hands over what stands before a cut, and says at which byte it is', async () => {
    const list = packets(97).slice(1, 12);
    const file = pcapFile(list);
    const starts: number[] = [];
    let at = 24;
    for (const { data } of list) {
      starts.push(at);
      at += 16 + data.length;
    }
    for (let length = 24; length < file.length; length += 13) {
      const { records, error } = await fromStream(file.subarray(0, length), 4096);
      const offset = starts.filter((start) => start <= length).pop()!;
      assert.equal(24 + records.length, offset, `cut at ${length}`);
      if (offset === length) assert.equal(error, null);
      else {
        assert.equal(error?.code, 'INPUT_DAMAGED');
        assert.equal(error?.details['offset'], offset);
        assert.match(error?.message ?? '', new RegExp(`at byte ${offset}:`));
      }
    }
  });

  it('refuses a captured length that cannot be', async () => {
    const list = packets(97).slice(1, 5);
    const good = pcapFile(list);
    for (const length of [0xffffffff, 0x80000000, 262_145]) {
      const bad = new Uint8Array(16);
      new DataView(bad.buffer).setUint32(8, length, true);
      const { records, error } = await fromFile(concat(good, bad, new Uint8Array(1000)));
      assert.equal(error?.details['offset'], good.length);
      assert.match(error?.message ?? '', new RegExp(`claims ${length} captured bytes`));
      assert.equal(records.length, good.length - 24);
    }
  });

  it('names what is not a pcap', async () => {
    const file = pcapFile(packets(2));
    const cases: [Bytes, string, RegExp][] = [
      [new Uint8Array(0), 'INPUT_FORMAT', /is empty/],
      [file.subarray(0, 3), 'INPUT_DAMAGED', /cut in the file header/],
      [file.subarray(0, 23), 'INPUT_DAMAGED', /24 bytes were needed at byte 0, 23 are there/],
      [concat(Uint8Array.of(1, 2, 3, 4), file), 'INPUT_FORMAT', /begins with 0x01020304/],
      [concat(Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a), file), 'INPUT_FORMAT', /byte-order magic/],
      [Uint8Array.of(0x1f, 0x8b, 8, 0), 'INPUT_DAMAGED', /gzip data .* unexpected end of file/],
      [Uint8Array.of(2, 0x21, 0x4c, 0x18, 0), 'INPUT_FORMAT', /legacy format of lz4/],
      [Uint8Array.of(0xcd, 0x34, 0xb2, 0xa1), 'INPUT_FORMAT', /Mesquita/],
    ];
    for (const [bytes, code, message] of cases) {
      const { error } = await fromFile(bytes);
      assert.equal(error?.code, code);
      assert.match(error?.message ?? '', message);
    }
  });

  it('says what is wrong with a path', async () => {
    await assert.rejects(openFileInput(join(directory, 'none.pcap')), /no such file/);
    await assert.rejects(openFileInput(directory), /is a directory/);
  });

  it('ends a silent stream when it is stopped', async () => {
    const { arena, regions } = createArena(fileRegionSizes);
    const stream = new Readable({ read: () => undefined });
    stream.push(pcapFile(packets(97).slice(1, 3)));
    const source = await openCapture(new StreamInput('silent', stream), arena, regions);
    assert.notEqual(await source.next(), null);
    const pending = source.next();
    source.stop();
    assert.equal(await pending, null);
    await source.close();
  });
});
