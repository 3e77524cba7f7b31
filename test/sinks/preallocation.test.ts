/** Blocks that long files are given before they need them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { loadPreallocate, type Preallocate } from '../../src/native/preallocate.js';
import { Cursors } from '../../src/packet/cursors.js';
import { OpenFiles, OutputFile } from '../../src/sinks/open-files.js';
import { Preallocation } from '../../src/sinks/preallocation.js';
import { SlowDisk } from '../../src/sinks/slow-disk.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-preallocation-'));
after(() => rmSync(root, { recursive: true }));

const mebi = 1024 * 1024;
const ext4 = { type: 0xef53, bavail: 1e6, bsize: 4096 };

/** util-linux's program for the same system call. */
function refusal(): string | false {
  const probe = join(root, 'probe');
  writeFileSync(probe, '');
  try {
    execFileSync('fallocate', ['--keep-size', '--length', '4096', probe], { stdio: 'pipe' });
    return false;
  } catch (error) {
    const text = `no fallocate(2) in ${root}: ${String(error)}`;
    if (process.env['CI'] === 'true') throw new Error(text, { cause: error });
    return text;
  }
}

interface Asked {
  readonly offset: number;
  readonly length: number;
}

/** A file that is written to nowhere, on a disk as described. */
function pretend(
  statfs: () => typeof ext4 | null,
  answer: () => boolean = () => true,
  slow = new SlowDisk(),
) {
  const asked: Asked[] = [];
  let loads = 0;
  const preallocate: Preallocate = (fd, offset, length) => {
    assert.equal(fd, 7);
    asked.push({ offset, length });
    return answer();
  };
  const load = () => {
    loads++;
    return Promise.resolve(preallocate);
  };
  const preallocation = new Preallocation(root, slow, { statfs, load });
  const file = new OutputFile(0, 0, 'nowhere', new Cursors(1));
  file.fd = 7;
  const writeAt = async (position: number) => {
    file.position = position;
    preallocation.ahead(file);
    await turn();
  };
  return { asked, writeAt, loads: () => loads };
}

describe('preallocation', () => {
  it('gives a long file as much again, 16 MiB at most, before it has none left', async () => {
    const { asked, writeAt, loads } = pretend(() => ext4);
    for (let at = 0; at < 64 * mebi; at += mebi / 2) await writeAt(at);
    assert.equal(loads(), 1);
    assert.deepEqual(
      asked.map(({ offset, length }) => [offset / mebi, length / mebi]),
      // The first time it is only loaded.
      [
        [4.5, 4.5],
        [9, 8.5],
        [17.5, 16],
        [33.5, 16],
        [49.5, 16],
      ],
    );
  });

  it('asks nothing of short files', async () => {
    const { asked, writeAt, loads } = pretend(() => assert.fail('statfs'));
    for (let at = 0; at < 4 * mebi; at += 4096) await writeAt(at);
    assert.equal(loads(), 0);
    assert.deepEqual(asked, []);
  });

  for (const [what, is] of [
    ['another file system', { ...ext4, type: 0x5846_5342 }],
    ['less than 1 GiB free', { ...ext4, bavail: 262_143 }],
    ['a directory that is gone', null],
  ] as const)
    it(`does nothing where there is ${what}`, async () => {
      const { asked, writeAt, loads } = pretend(() => is);
      for (let at = 4; at < 64; at++) await writeAt(at * mebi);
      assert.equal(loads(), 0);
      assert.deepEqual(asked, []);
    });

  it('ends when the disk fills, or the system refuses', async () => {
    let bavail = 1e6;
    const filling = pretend(() => ({ ...ext4, bavail }));
    await filling.writeAt(8 * mebi);
    await filling.writeAt(8 * mebi);
    bavail = 1000;
    await filling.writeAt(16 * mebi);
    bavail = 1e6;
    await filling.writeAt(24 * mebi);
    assert.deepEqual(filling.asked, [{ offset: 8 * mebi, length: 8 * mebi }]);

    const refusing = pretend(
      () => ext4,
      () => false,
    );
    for (let at = 8; at < 64; at++) await refusing.writeAt(at * mebi);
    assert.deepEqual(refusing.asked, [{ offset: 9 * mebi, length: 9 * mebi }]);
  });

  it('lets a slow disk alone, and notices one', async () => {
    const slow = new SlowDisk();
    const { asked, writeAt } = pretend(
      () => ext4,
      () => {
        const until = performance.now() + 60;
        while (performance.now() < until);
        return true;
      },
      slow,
    );
    await writeAt(8 * mebi);
    await writeAt(8 * mebi);
    assert.ok(slow.isSlow(performance.now()));
    await writeAt(32 * mebi);
    assert.equal(asked.length, 1);
  });

  const skip = refusal();

  it('keeps the size, and gives back what is left over', { skip }, async () => {
    const preallocate = await loadPreallocate();
    assert.ok(preallocate !== null);
    const path = join(root, 'kept');
    const fd = openSync(path, 'wx');
    try {
      writeSync(fd, Buffer.alloc(5 * mebi, 1));
      const blocks = () => fstatSync(fd).blocks * 512;
      const before = blocks();
      assert.ok(preallocate(fd, 5 * mebi, 16 * mebi));
      assert.ok(blocks() >= before + 15 * mebi, `${blocks()} bytes`);
      assert.equal(fstatSync(fd).size, 5 * mebi);
      ftruncateSync(fd, 5 * mebi);
      assert.ok(blocks() < 6 * mebi, `${blocks()} bytes`);
      assert.equal(preallocate(-1, 0, 4096), false);
      assert.equal(preallocate(fd, 0, -1), false);
    } finally {
      closeSync(fd);
    }
  });

  for (const failed of [false, true])
    it(
      `leaves a closed file as long as it is: ${failed ? 'failed' : 'complete'}`,
      { skip },
      async () => {
        const path = join(root, `closed-${String(failed)}`);
        const open = new OpenFiles(
          false,
          null,
          new Preallocation(root, new SlowDisk(), { statfs: () => ext4, load: loadPreallocate }),
        );
        const file = new OutputFile(0, 0, path, new Cursors(1));
        file.head = new Uint8Array(24).fill(1);
        const piece = Buffer.alloc(mebi, 2);
        for (let written = 0; written < 12; written++) {
          assert.ok(open.ready(file));
          file.position += writeSync(file.fd, piece, 0, mebi, file.position);
          await turn();
        }
        assert.ok(file.allocated > 16 * mebi, `${file.allocated} bytes`);
        if (failed) open.fail(file, 24 + 3 * mebi, new Error('as on a full disk'));
        open.closeAll();
        const size = 24 + (failed ? 3 : 12) * mebi;
        const { blocks } = statSync(path);
        assert.ok(blocks * 512 < size + mebi / 2, `${blocks * 512} bytes`);
        const expected = Buffer.concat([Buffer.alloc(24, 1), Buffer.alloc(size - 24, 2)]);
        assert.ok(readFileSync(path).equals(expected));
      },
    );
});
