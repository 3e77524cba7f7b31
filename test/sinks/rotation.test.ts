import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { after, beforeEach, describe, it } from 'node:test';
import { concat, type Bytes } from '../../fixtures/frames.js';
import { openCompression, type Compression } from '../../src/sinks/compression.js';
import type { Rotation } from '../../src/sinks/rotation.js';
import { lacking } from '../requirements.js';
import { header, openLabelFiles, someRecord } from './open-label-files.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
let count = 0;
beforeEach(() => {
  directory = join(root, `out-${count++}`);
});

function open(
  names: readonly string[],
  rotation: Rotation,
  more: { force?: boolean; compression?: Compression } = {},
) {
  return openLabelFiles(directory, names, { rotation, ...more });
}

/** What the files of a name hold, one after the other, without their headers. */
function contents(name: string, decode = (bytes: Uint8Array): Uint8Array => bytes): Bytes {
  const names = readdirSync(directory).filter((file) => file.startsWith(`${name}.`));
  return concat(
    ...names.sort().map((file) => {
      const bytes = new Uint8Array(decode(readFileSync(join(directory, file))));
      assert.ok(Buffer.from(bytes.subarray(0, 24)).equals(header), file);
      return bytes.subarray(24);
    }),
  );
}

describe('files that rotate by size', () => {
  it('hold every record once and in order, and are never larger, but for a record that is', async () => {
    for (const size of [25, 1000, 70_000, 400_000]) {
      directory = join(root, `size-${size}`);
      const { files, append, finished } = open(['a', 'b'], { size, keep: null });
      const expected: Bytes[][] = [[], []];
      for (let index = 0; index < 600; index++) {
        const run = Array.from({ length: 1 + (index % 7) }, (_, place) =>
          someRecord(index % 299 === 298 ? 262_144 : ((index + place) * 31) % 1500, index),
        );
        append(index % 2, ...run);
        expected[index % 2].push(...run);
        if (index % 101 === 0) files.flush();
        if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const written = await files.close();
      assert.equal(files.error, null);
      assert.equal(files.packets, expected.flat().length);
      for (const [output, name] of ['a', 'b'].entries()) {
        assert.ok(Buffer.from(contents(name)).equals(concat(...expected[output])), `${size}`);
      }
      for (const file of written) {
        assert.equal(file.size, statSync(file.path).size);
        assert.ok(file.size <= size || file.packets === 1, `${file.path}: ${file.size}`);
      }
      assert.deepEqual(
        finished.map(({ path }) => path).sort(),
        written.map(({ path }) => path).sort(),
      );
    }
  });

  it('fill each file as far as whole records go', async () => {
    const { files, append } = open(['a'], { size: 24 + 5 * 116, keep: null });
    append(0, ...Array.from({ length: 12 }, (_, index) => someRecord(100, index)));
    const written = await files.close();
    assert.deepEqual(
      written.map(({ packets }) => packets),
      [5, 5, 2],
    );
    assert.deepEqual(readdirSync(directory).sort(), [
      'a.00001.pcap',
      'a.00002.pcap',
      'a.00003.pcap',
    ]);
  });

  it('stay as many as are to be kept, the newest', async () => {
    const { files, append, finished } = open(['a', 'b'], { size: 24 + 116, keep: 3 });
    for (let index = 0; index < 20; index++) {
      append(0, someRecord(100, index));
      const there = readdirSync(directory).filter((name) => name.startsWith('a.'));
      assert.ok(there.length <= 3, there.join(' '));
    }
    const written = await files.close();
    assert.deepEqual(readdirSync(directory).sort(), [
      'a.00018.pcap',
      'a.00019.pcap',
      'a.00020.pcap',
      'b.00001.pcap',
    ]);
    assert.equal(written.length, 4);
    assert.equal(finished.length, 21);
    assert.equal(files.packets, 20);
  });

  it('remove nothing that took the place of a file of theirs', async () => {
    const { files, append } = open(['a'], { size: 24 + 116, keep: 1 });
    append(0, someRecord(100, 1));
    files.rotate();
    const path = join(directory, 'a.00001.pcap');
    unlinkSync(path);
    writeFileSync(join(directory, 'filler'), '');
    writeFileSync(path, 'another');
    append(0, someRecord(100, 2));
    await files.close();
    // The system may give the new file the old one's number; then nobody can tell.
    if (existsSync(path)) assert.equal(readFileSync(path, 'utf8'), 'another');
  });
});

describe('files that rotate by the clock', () => {
  it('end at once, with every record, and are not begun for nothing', async () => {
    const { files, append, finished } = open(['a', 'b', 'c'], { size: null, keep: null });
    append(0, someRecord(100, 1), someRecord(7, 2));
    append(1, someRecord(100, 3));
    files.rotate();
    assert.deepEqual(
      finished.map(({ path, packets, complete }) => [path.slice(-12), packets, complete]),
      [
        ['a.00001.pcap', 2, true],
        ['b.00001.pcap', 1, true],
      ],
    );
    assert.equal(statSync(join(directory, 'a.00001.pcap')).size, 24 + 116 + 23);
    files.rotate();
    assert.equal(finished.length, 2);
    append(0, someRecord(100, 4));
    await files.close();
    assert.deepEqual(readdirSync(directory).sort(), [
      'a.00001.pcap',
      'a.00002.pcap',
      'b.00001.pcap',
      'c.00001.pcap',
    ]);
  });

  it('have one file open at most for each label', { skip: lacking('sh') }, async () => {
    const names = ['a', 'b', 'c', 'd'];
    const { files, append } = open(names, { size: 3000, keep: 2 });
    for (let index = 0; index < 400; index++) {
      append(index % 4, someRecord((index * 37) % 1200, index));
      if (index % 90 === 0) files.rotate();
      if (index % 11 === 0) await new Promise((resolve) => setImmediate(resolve));
      const open = readdirSync('/proc/self/fd')
        .map((fd) => {
          try {
            return readlinkSync(`/proc/self/fd/${fd}`);
          } catch {
            return '';
          }
        })
        .filter((path) => path.startsWith(directory))
        .map((path) => path.slice(directory.length + 1, directory.length + 2));
      assert.equal(new Set(open).size, open.length, open.join(' '));
    }
    await files.close();
  });

  it('lose and rename nothing with thousands of labels, compressed or not', async () => {
    for (const compression of [null, await openCompression('gzip')]) {
      directory = join(root, `many-${compression === null ? 'plain' : 'gzip'}`);
      const names = Array.from({ length: 1500 }, (_, index) => `label-${index}`);
      const { files, append } = open(
        names,
        { size: 24 + 2 * 116, keep: null },
        compression === null ? {} : { compression },
      );
      for (let round = 0; round < 5; round++) {
        for (const output of names.keys()) append(output, someRecord(100, round));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const written = await files.close();
      assert.equal(files.error, null);
      assert.equal(written.length, 3 * names.length);
      assert.equal(files.packets, 5 * names.length);
      const expected = Buffer.from(
        concat(...[0, 1, 2, 3, 4].map((round) => someRecord(100, round))),
      );
      const ending = compression === null ? 'pcap' : 'pcap.gz';
      for (const name of names) {
        const found = [1, 2, 3].map((number) => {
          const bytes = readFileSync(join(directory, `${name}.0000${number}.${ending}`));
          return (compression === null ? bytes : gunzipSync(bytes)).subarray(24);
        });
        assert.ok(Buffer.concat(found).equals(expected), name);
      }
    }
  });

  it('refuse the ring of an earlier run, and clear it away with force', async () => {
    const first = open(['a'], { size: null, keep: null });
    for (let index = 0; index < 3; index++) {
      first.append(0, someRecord(1, index));
      first.files.rotate();
    }
    await first.files.close();
    assert.throws(() => open(['a'], { size: null, keep: null }), /a\.0000\d\.pcap.* exists/);
    const second = open(['a'], { size: null, keep: null }, { force: true });
    await second.files.close();
    assert.deepEqual(readdirSync(directory), ['a.00001.pcap']);
  });
});

describe('files of several link types', () => {
  it('are one for each, named so, with a header of its own', async () => {
    const { files, append } = openLabelFiles(directory, ['a', 'a.raw']);
    const format = { bigEndian: false, nanoseconds: false };
    for (const linkType of [1, 101, 12, 101, 9999]) {
      files.begin({ format: { ...format, linkType }, start: 0, end: 0 });
      append(0, someRecord(10, linkType & 0xff));
    }
    await files.close();
    const linkTypes = readdirSync(directory).map((name) => {
      const bytes = readFileSync(join(directory, name));
      return [name, bytes.readUInt32LE(20), bytes.length];
    });
    assert.deepEqual(linkTypes.sort(), [
      ['a.linktype-9999.pcap', 9999, 50],
      ['a.pcap', 0x68686868, 50],
      ['a.raw-12.pcap', 12, 50],
      ['a.raw.pcap', 0x68686868, 24],
      ['a.raw_.pcap', 101, 76],
    ]);
  });
});
