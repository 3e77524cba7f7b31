import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { concat, ethernet, ipv4, udp, type Bytes } from '../../fixtures/frames.js';
import { words } from '../../fixtures/pcapng.js';
import { readBytes } from './read-all.js';

const directory = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(directory, { recursive: true }));

interface Dialect {
  readonly magic?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly linkType?: number;
  readonly swapped?: boolean;
  /** Behind the usual 24 bytes. */
  readonly more?: Bytes;
  /** Behind each record's usual 16. */
  readonly behind?: Bytes;
  readonly bigEndian?: boolean;
}

const frames = [10, 0, 300].map((size, index) =>
  ethernet(0x0800, ipv4(`127.0.0.${index + 2}`, '127.0.0.1', udp(1, 2, size))),
);

function file(dialect: Dialect): Bytes {
  const { magic = 0xa1b2c3d4, major = 2, minor = 4, linkType = 1 } = dialect;
  const { u16, u32 } = words(dialect.bigEndian ?? false);
  const none = new Uint8Array(0);
  return concat(
    u32(magic),
    u16(major, minor),
    u32(0, 0, 65_535, linkType),
    dialect.more ?? none,
    ...frames.map((data, index) => {
      const lengths = [data.length, data.length + 5];
      if (dialect.swapped === true) lengths.reverse();
      return concat(u32(1_000_000_000 + index, index, ...lengths), dialect.behind ?? none, data);
    }),
  );
}

const modified = 0xa1b2cd34;
const interfaceAndMore = Uint8Array.of(1, 0, 0, 0, 8, 0, 4, 0);

const cases: [string, Dialect, tcpdumpReads: boolean][] = [
  ['2.4', {}, true],
  ['2.3, in order', { minor: 3 }, true],
  ['2.3, swapped', { minor: 3, swapped: true }, true],
  ['2.2', { minor: 2, swapped: true }, true],
  ['2.0', { minor: 0, swapped: true }, true],
  ['543.0 of DG/UX', { major: 543, minor: 0, swapped: true }, true],
  ['modified by Kuznetzov', { magic: modified, behind: interfaceAndMore }, true],
  ['FCS length', { linkType: 0x24000001 }, true],
  ['AIX', { minor: 2, swapped: true, linkType: 6 }, false],
  ['Ixia, nanoseconds', { magic: 0x1c0001ac, more: new Uint8Array(4) }, false],
  ['Ixia, microseconds', { magic: 0x1c0001ab, more: new Uint8Array(4) }, false],
];

describe('pcap dialects', () => {
  for (const [name, dialect, tcpdumpReads] of cases) {
    for (const bigEndian of [false, true]) {
      it(`are read: ${name}, big-endian ${bigEndian}`, async () => {
        const bytes = file({ ...dialect, bigEndian });
        for (const chunk of [65_536, 1]) {
          const { packets, error } = await readBytes(bytes, {}, chunk);
          assert.equal(error, null);
          assert.deepEqual(
            packets,
            frames.map((data, index) => ({
              linkType: 1,
              seconds: 1_000_000_000 + index,
              fraction: index,
              original: data.length + 5,
              data,
            })),
          );
        }
        if (!tcpdumpReads) return;
        const path = join(directory, 'dialect.pcap');
        writeFileSync(path, bytes);
        const written = execFileSync('tcpdump', ['-r', path, '-w', '-'], {
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        const { packets } = await readBytes(bytes);
        assert.deepEqual((await readBytes(written)).packets, packets);
      });
    }
  }

  it('are refused by name where nobody can know what they mean', async () => {
    const refused: [Dialect, RegExp][] = [
      [{ major: 1 }, /pcap version 1\.4/],
      [{ minor: 5 }, /pcap version 2\.5/],
      [{ major: 3, minor: 0 }, /pcap version 3\.0/],
      [{ linkType: 0x00010001 }, /reserved bits .* 0x00010001/],
      [{ magic: 0xa1b234cd }, /Mesquita/],
      [{ magic: 0xa12b3c4d }, /Navtel/],
    ];
    for (const [dialect, message] of refused) {
      const { error } = await readBytes(file(dialect));
      assert.equal(error?.code, 'INPUT_FORMAT');
      assert.match(error?.message ?? '', message);
    }
  });
});

describe('a damaged pcap, repaired', () => {
  const packet = (index: number): Bytes => {
    const data = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(1, 2, (index * 37) % 900)));
    const { u32 } = words(false);
    return concat(u32(1_700_000_000 + index, index, data.length, data.length), data);
  };
  const head = file({}).subarray(0, 24);
  const records = Array.from({ length: 60 }, (_, index) => packet(index));
  const garbage = Uint8Array.from({ length: 501 }, (_, index) => (index * 89 + 200) & 0xff);

  const damages: [string, Bytes[], lost: number, leftOut: number][] = [
    ['nothing', records, 0, 0],
    ['garbage', [...records.slice(0, 30), garbage, ...records.slice(30)], 0, garbage.length],
    ['garbage at the start', [garbage, ...records], 0, garbage.length],
    ['garbage at the end', [...records, garbage], 0, garbage.length],
    ['a cut end', [...records.slice(0, 59), records[59].subarray(0, 40)], 1, 40],
    ['a cut header', [...records, records[5].subarray(0, 9)], 0, 9],
    [
      'a hole',
      [...records.slice(0, 20), records[20].subarray(33), ...records.slice(21)],
      1,
      records[20].length - 33,
    ],
    [
      'a length beyond belief',
      records.map((record, index) => (index === 40 ? withLength(record, 0xfffffff0) : record)),
      1,
      records[40].length,
    ],
    [
      'a length that reaches into the next packets',
      records.map((record, index) =>
        index === 40 ? withLength(record, records[40].length + 300) : record,
      ),
      1,
      records[40].length,
    ],
  ];
  for (const [name, parts, lost, leftOut] of damages) {
    it(`gives all packets that are whole: ${name}`, async () => {
      const bytes = concat(head, ...parts);
      for (const chunk of [65_536, 100, 1]) {
        const read = await readBytes(bytes, { repair: true }, chunk);
        assert.equal(read.error, null);
        assert.equal(read.packets.length, 60 - lost, `chunks of ${chunk}`);
        assert.equal(read.leftOut?.bytes, leftOut);
        assert.equal(read.leftOut?.places, leftOut === 0 ? 0 : 1);
      }
    });
  }

  function withLength(record: Bytes, length: number): Bytes {
    const copy = record.slice();
    const view = new DataView(copy.buffer);
    view.setUint32(8, length, true);
    view.setUint32(12, length, true);
    return copy;
  }
});
