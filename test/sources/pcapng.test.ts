import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { concat, ethernet, ipv4, udp, type Bytes } from '../../fixtures/frames.js';
import { SectionWriter, words } from '../../fixtures/pcapng.js';
import { readNames } from '../../src/formats/pcapng-names.js';
import { openFileInput } from '../../src/sources/file-input.js';
import { readAll, readBytes } from './read-all.js';

const directory = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(directory, { recursive: true }));

function frame(host: number, size = 8): Bytes {
  return ethernet(0x0800, ipv4(`127.0.0.${host}`, '127.0.0.1', udp(4000, 9092, size)));
}

/** Everything that a section can have, and the packets in it. */
function variety(bigEndian: boolean): { file: Bytes; packets: number } {
  const w = new SectionWriter(bigEndian);
  const second = 1_700_000_000n;
  const data = frame(2);
  return {
    packets: 7,
    file: concat(
      w.header([4, new TextEncoder().encode('a test')]),
      w.interface(1, { resolution: 6 }),
      w.names(['127.0.0.2', 'client', 'alias'], ['::1', 'six']),
      w.secrets('CLIENT_RANDOM 1 2'),
      w.enhanced(0, second * 1_000_000n + 5n, data, { original: 1000 }),
      w.interface(1, { resolution: 9, offset: 10n }),
      w.enhanced(1, second * 1_000_000_000n + 123_456_789n, data),
      w.interface(1, { resolution: 0x80 | 10 }),
      w.enhanced(2, second * 1024n + 512n, data, {
        options: [
          [1, new TextEncoder().encode('a comment')],
          [2, words(bigEndian).u32(1)],
        ],
      }),
      w.interface(101, { resolution: 3 }),
      w.enhanced(3, second * 1000n + 999n, data.slice(14)),
      w.block(0x0bad, words(bigEndian).u32(32473), Uint8Array.of(1, 2, 3, 4)),
      w.block(0x12345, Uint8Array.of(1, 2, 3)),
      w.obsolete(0, second * 1_000_000n, data),
      w.simple(data),
      w.block(
        9,
        new TextEncoder().encode('__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=hello\n'),
      ),
      w.statistics(0, 7n),
      w.enhanced(0, second * 1_000_000n, new Uint8Array(0)),
    ),
  };
}

describe('pcapng source', () => {
  for (const bigEndian of [false, true]) {
    it(`makes records of every packet: big-endian ${bigEndian}`, async () => {
      const { file, packets } = variety(bigEndian);
      const read = await readBytes(file, { nanoseconds: true });
      assert.equal(read.error, null);
      assert.equal(read.packets.length, packets);
      const times = read.packets.map(({ seconds, fraction }) => [seconds, fraction]);
      assert.deepEqual(times, [
        [1_700_000_000, 5000],
        [1_700_000_010, 123_456_789],
        [1_700_000_000, 500_000_000],
        [1_700_000_000, 999_000_000],
        [1_700_000_000, 0],
        [0, 0],
        [1_700_000_000, 0],
      ]);
      assert.deepEqual(
        read.packets.map(({ linkType }) => linkType),
        [1, 1, 1, 101, 1, 1, 1],
      );
      assert.equal(read.packets[0]?.original, 1000);
      for (const [index, { data }] of read.packets.entries()) {
        const expected = index === 6 ? new Uint8Array(0) : frame(2).slice(index === 3 ? 14 : 0);
        assert.ok(Buffer.from(data).equals(expected), `packet ${index}`);
      }
    });

    it(`hands blocks over as they are: big-endian ${bigEndian}`, async () => {
      const { file, packets } = variety(bigEndian);
      const read = await readBytes(file, { blocks: true });
      assert.equal(read.error, null);
      assert.equal(read.packets.length, packets);
      assert.ok(read.formats.every((format) => format.blocks !== undefined));
      // Every byte is there: but for the simple block, which becomes an enhanced one, 16 bytes longer.
      assert.equal(read.preamble.length + read.blocks.length, file.length + 16);
    });

    it(`reads the same in chunks of any size: big-endian ${bigEndian}`, async () => {
      const { file } = variety(bigEndian);
      const twice = concat(file, variety(!bigEndian).file);
      const whole = await readBytes(twice);
      assert.equal(whole.packets.length, 14);
      for (const chunk of [1, 3, 7, 33]) {
        assert.deepEqual((await readBytes(twice, {}, chunk)).packets, whole.packets, `${chunk}`);
      }
    });
  }

  it('agrees with tshark on times, lengths and sections of either order', async () => {
    const path = join(directory, 'both.pcapng');
    writeFileSync(path, concat(variety(false).file, variety(true).file));
    const fields = ['frame.time_epoch', 'frame.len', 'frame.cap_len'];
    const text = execFileSync(
      'tshark',
      ['-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]), '-Y', 'frame.len'],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    // tshark also counts the custom block and the journal entry; neither has a frame of a link type.
    const theirs = text
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    const { packets } = await readAll(await openFileInput(path), { nanoseconds: true });
    const ours = packets.map(({ seconds, fraction, original, data }) => [
      `${seconds}.${String(fraction).padStart(9, '0')}`,
      String(original),
      String(data.length),
    ]);
    for (const line of ours) {
      // A simple packet block has no time for tshark.
      assert.ok(
        theirs.some(([time, ...lengths]) => {
          const same = lengths.join() === line.slice(1).join();
          return same && (time === line[0] || line[0]?.startsWith('0.') === true);
        }),
        line.join(),
      );
    }
  });

  it('says where each kind of damage is, after the packets before it', async () => {
    const w = new SectionWriter();
    const head = concat(w.header(), w.interface(1), w.enhanced(0, 1n, frame(2)));
    const good = w.enhanced(0, 2n, frame(3));
    const lie = (offset: number, value: number, block = good): Bytes => {
      const bytes = block.slice();
      new DataView(bytes.buffer).setUint32(offset, value, true);
      return bytes;
    };
    const cases: [string, Bytes, RegExp][] = [
      ['not a multiple', lie(4, good.length + 1), /not a multiple of 4/],
      ['too short', lie(4, 8), /claims 8 bytes, and 32 is the least/],
      ['53 bits', lie(4, 0xfffffffc), /16777216 is the most/],
      ['trailer', lie(good.length - 4, 4), /at its start and 4 at its end/],
      ['captured', lie(20, 0xffffffff), /claims 4294967295 captured bytes/],
      ['captured, signed', lie(20, 0x80000000), /captured bytes/],
      ['interface', lie(8, 1_000_000_000), /interface 1000000000/],
      ['cut', good.subarray(0, good.length - 3), /cut inside a block/],
      ['cut header', good.subarray(0, 5), /cut inside the header/],
      ['unknown, too long', w.block(77).map((byte, at) => (at === 7 ? 0x7f : byte)), /the most/],
      ['section', lie(8, 0, w.header()), /byte-order magic/],
      ['version', w.header().map((byte, at) => (at === 12 ? 9 : byte)), /version 9\.0/],
      ['resolution', w.interface(1, { resolution: 20 }), /10\^-20/],
      ['binary resolution', w.interface(1, { resolution: 0x80 | 64 }), /2\^-64/],
      ['option', lie(16, 0xffff0002, w.interface(1, { resolution: 6 })), /goes beyond its block/],
    ];
    for (const [name, bytes, message] of cases) {
      for (const options of [{}, { blocks: true }]) {
        const { packets, error } = await readBytes(concat(head, bytes), options);
        assert.equal(error?.code, 'INPUT_DAMAGED', name);
        assert.equal(error?.details['offset'], head.length, name);
        assert.match(error?.message ?? '', message);
        assert.equal(packets.length, 1, name);
      }
    }
  });

  it('skips damage where asked to, and counts it', async () => {
    const w = new SectionWriter();
    const blocks = Array.from({ length: 40 }, (_, index) =>
      w.enhanced(0, BigInt(index), frame(index)),
    );
    const garbage = Uint8Array.from({ length: 777 }, (_, index) => (index * 37) & 0xff);
    const file = concat(
      w.header(),
      w.interface(1),
      ...blocks.slice(0, 20),
      garbage,
      ...blocks.slice(20),
      garbage.subarray(0, 7),
    );
    for (const chunk of [65_536, 11]) {
      const { packets, error, leftOut } = await readBytes(file, { repair: true }, chunk);
      assert.equal(error, null);
      assert.equal(packets.length, 40);
      assert.deepEqual({ ...leftOut }, { bytes: 777 + 7, places: 2 });
    }
  });

  it('takes as many interfaces as there may be, and no more', async () => {
    const w = new SectionWriter();
    const one = w.interface(1);
    const many = Buffer.alloc(one.length * 65_536, one);
    const packet = w.enhanced(65_535, 1n, frame(2));
    const full = await readBytes(concat(w.header(), many, packet), {}, 1 << 20);
    assert.equal(full.error, null);
    assert.equal(full.packets.length, 1);
    const more = await readBytes(concat(w.header(), many, one), { blocks: true }, 1 << 20);
    assert.match(more.error?.message ?? '', /more than 65536 interfaces/);
  });

  it('refuses packets of interfaces that were not described', async () => {
    const w = new SectionWriter();
    const good = [0, 0, 0].map((id) => w.enhanced(id, 1n, frame(2)));
    for (const id of [1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      const bad = w.enhanced(id, 1n, frame(3));
      for (const options of [{}, { blocks: true }]) {
        const first = await readBytes(concat(w.header(), w.interface(1), bad, ...good), options);
        assert.equal(first.error?.code, 'INPUT_DAMAGED');
        assert.match(
          first.error?.message ?? '',
          new RegExp(`interface ${id}, .*byte 48|byte 48.*interface ${id}`),
        );
        assert.equal(first.packets.length, 0);
        const later = await readBytes(concat(w.header(), w.interface(1), ...good, bad), options);
        assert.equal(later.error?.code, 'INPUT_DAMAGED');
        assert.equal(later.packets.length, 3);
      }
      const none = await readBytes(concat(w.header(), bad));
      assert.equal(none.error?.code, 'INPUT_DAMAGED');
    }
  });

  it('takes long blocks of every kind, up to their limit', async () => {
    const w = new SectionWriter();
    const long = w.secrets('k'.repeat(5_000_000));
    const packet = w.enhanced(0, 1n, new Uint8Array(262_144));
    const file = concat(w.header(), w.interface(1), long, packet, w.block(77, new Uint8Array(3e6)));
    for (const options of [{}, { blocks: true }]) {
      const read = await readBytes(file, options);
      assert.equal(read.error, null);
      assert.equal(read.packets.length, 1);
    }
    assert.ok((await readBytes(file, { blocks: true })).preamble.length > 8_000_000);
  });

  it('refuses longer packet blocks, however they come', async () => {
    const w = new SectionWriter();
    const options: [number, Bytes][] = Array.from({ length: 9 }, () => [1, new Uint8Array(60_000)]);
    const file = concat(
      w.header(),
      w.interface(1),
      w.enhanced(0, 1n, frame(2)),
      w.enhanced(0, 2n, frame(2), { options }),
      w.enhanced(0, 3n, frame(2)),
    );
    for (const chunk of [1000, 100_000, 10_000_000]) {
      const { packets, error } = await readBytes(file, {}, chunk);
      assert.equal(packets.length, 1);
      assert.match(
        error?.message ?? '',
        /a packet block of 540\d+ bytes, and lbcap takes 532480 at most/,
      );
    }
    const { packets, leftOut } = await readBytes(file, { repair: true }, 10_000_000);
    assert.equal(packets.length, 2);
    assert.ok((leftOut?.bytes ?? 0) > 540_000);
  });

  it('finds names', async () => {
    const found: [number, readonly string[]][] = [];
    await readBytes(variety(true).file, {
      onNames(view, start, end, little) {
        for (const { family, names } of readNames(view, start, end, little)) {
          found.push([family, names]);
        }
      },
    });
    assert.deepEqual(found, [
      [4, ['client', 'alias']],
      [6, ['six']],
    ]);
  });
});
