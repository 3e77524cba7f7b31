import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { concat, type Bytes } from '../../fixtures/frames.js';
import { LbcapError } from '../../src/errors.js';
import { header, openLabelFiles, someRecord } from './open-label-files.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
let count = 0;
beforeEach(() => {
  directory = join(root, `out-${count++}`);
});

function open(names: readonly string[], more: { force?: boolean; directory?: string } = {}) {
  return openLabelFiles(more.directory ?? directory, names, { force: more.force ?? false });
}

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    assert.ok(error instanceof LbcapError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    return error.code;
  }
  return 'nothing thrown';
}

describe('per-label files', () => {
  /** @returns how often `writeWaiting` had something to write */
  async function writeMany(labels: number, helping: boolean): Promise<number> {
    const folder = join(directory, String(labels));
    const names = Array.from({ length: labels }, (_, index) => `label-${index}`);
    const { files, append } = open(names, { directory: folder });
    const expected: Bytes[][] = names.map(() => [header]);
    let helped = 0;
    for (let index = 0; index < 20_000; index++) {
      // The longest exceed every slot.
      const bytes = someRecord(index % 4999 === 0 ? 262_144 : (index * 31) % 1500, index);
      const output = (index * index) % labels;
      append(output, bytes);
      expected[output].push(bytes);
      if (index % 3001 === 0) files.flush();
      if (helping && index % 70 === 0) helped += Number(files.writeWaiting());
      if (index % (helping ? 5000 : 100) === 0)
        await new Promise((resolve) => setImmediate(resolve));
    }
    const written = await files.close();
    assert.equal(files.error, null);
    for (const [index, name] of names.entries()) {
      const parts = expected[index];
      if (parts.length === 1 && labels > 256) continue;
      const path = join(folder, `${name}.pcap`);
      assert.ok(readFileSync(path).equals(concat(...parts)), name);
      const told = written.find((file) => file.path === path);
      assert.equal(told?.size, statSync(path).size);
      assert.equal(told?.complete, true);
    }
    return helped;
  }

  it('writes every record once and in order, whatever their sizes and number of labels', async () => {
    for (const labels of [1, 8, 700]) await writeMany(labels, false);
  });

  it('does so where this thread takes writes from others', async () => {
    const helped = [];
    for (const labels of [1, 3, 8, 700]) helped.push(await writeMany(labels, true));
    assert.ok(helped[2] > 0, `writes taken: ${helped.join(', ')}`);
  });

  it('keeps more files than may be open at once', async () => {
    const names = Array.from({ length: 3000 }, (_, index) => `label-${index}`);
    const { files, append } = open(names);
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < names.length; index++) append(index, someRecord(900, round));
    }
    await files.close();
    assert.equal(files.error, null);
    assert.equal(readdirSync(directory).length, 3000);
    const one = concat(header, ...[0, 1, 2].map((round) => someRecord(900, round)));
    for (const name of names) {
      assert.ok(readFileSync(join(directory, `${name}.pcap`)).equals(one), name);
    }
  });

  it('makes private files, also for labels without a packet', async () => {
    const { files } = open(['a', 'b']);
    await files.close();
    for (const name of ['a', 'b']) {
      const stat = statSync(join(directory, `${name}.pcap`));
      assert.equal(stat.mode & 0o777, 0o600);
      assert.equal(stat.size, 24);
    }
  });

  it('overwrites nothing, and leaves nothing behind when it refuses', () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'b.pcap'), 'precious');
    assert.equal(
      codeOf(() => open(['a', 'b'])),
      'OUTPUT_EXISTS',
    );
    assert.deepEqual(readdirSync(directory), ['b.pcap']);
    assert.equal(readFileSync(join(directory, 'b.pcap'), 'utf8'), 'precious');
  });

  it('never follows a symlink, even with force', async () => {
    mkdirSync(directory);
    const target = join(directory, 'target');
    writeFileSync(target, 'precious');
    symlinkSync(target, join(directory, 'a.pcap'));
    symlinkSync(join(directory, 'nowhere'), join(directory, 'b.pcap'));
    assert.equal(
      codeOf(() => open(['a'])),
      'OUTPUT_EXISTS',
    );
    assert.equal(
      codeOf(() => open(['b'])),
      'OUTPUT_EXISTS',
    );
    const { files } = open(['a', 'b'], { force: true });
    await files.close();
    assert.equal(readFileSync(target, 'utf8'), 'precious');
    assert.ok(lstatSync(join(directory, 'a.pcap')).isFile());
    assert.ok(!existsSync(join(directory, 'nowhere')));
  });

  it('refuses places where no file can be', () => {
    writeFileSync(join(root, 'file'), '');
    assert.equal(
      codeOf(() => open(['a'], { directory: join(root, 'file') })),
      'OUTPUT_IO',
    );
    assert.equal(
      codeOf(() => open(['a'], { directory: join(root, 'file', 'below') })),
      'OUTPUT_IO',
    );
    // Where mkdir answers ENOENT although the parent is there.
    assert.equal(
      codeOf(() => open(['a'], { directory: '/proc/lbcap/below' })),
      'OUTPUT_IO',
    );
    mkdirSync(join(directory, 'a.pcap'), { recursive: true });
    assert.equal(
      codeOf(() => open(['a'], { force: true })),
      'OUTPUT_IO',
    );
  });

  it('says when a file is removed meanwhile, and completes the others', async () => {
    const { files, append } = open(['a', 'b']);
    append(0, someRecord(100, 1));
    files.flush();
    unlinkSync(join(directory, 'a.pcap'));
    append(1, someRecord(100, 2));
    files.flush();
    assert.match(files.error?.message ?? '', /a\.pcap was removed while/);
    const written = await files.close();
    assert.deepEqual(
      written.map(({ complete }) => complete),
      [false, true],
    );
    assert.ok(readFileSync(join(directory, 'b.pcap')).equals(concat(header, someRecord(100, 2))));
  });

  it('does not write into a file that took the place of its own', async () => {
    const names = Array.from({ length: 1200 }, (_, index) => `label-${index}`);
    const { files, append } = open(names);
    for (let index = 0; index < names.length; index++) append(index, someRecord(100, 1));
    files.flush();
    const path = join(directory, 'label-0.pcap');
    renameSync(path, `${path}.old`);
    writeFileSync(path, 'another');
    append(0, someRecord(100, 2));
    await files.close();
    assert.match(files.error?.message ?? '', /label-0\.pcap was replaced/);
    assert.equal(readFileSync(path, 'utf8'), 'another');
  });
});

describe('per-label files on a full disk', () => {
  const small = mkdtempSync(join(tmpdir(), 'lbcap-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
  after(() => {
    execFileSync('umount', [small]);
    rmSync(small, { recursive: true });
  });

  it('says so in one line and ends each file with a whole record', async () => {
    const { files, append } = open(['a', 'b'], { directory: small });
    const one = someRecord(1000, 7);
    for (let index = 0; index < 2000 && files.error === null; index++) {
      append(index % 2, one);
      if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const written = await files.close();
    assert.equal(files.error?.code, 'OUTPUT_IO');
    assert.match(files.error?.message ?? '', /cannot write .*\.pcap: the disk is full$/);
    for (const name of ['a', 'b']) {
      const { size } = statSync(join(small, `${name}.pcap`));
      assert.equal((size - 24) % one.length, 0, `${name}: ${size}`);
      assert.equal(written.find(({ path }) => path.endsWith(`${name}.pcap`))?.size, size);
    }
    assert.ok(written.some(({ complete }) => !complete));
  });
});
