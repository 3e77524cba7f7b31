/** Changing a registry file: whole or not at all, with many writers, with links, modes, owners. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { RegistryEntry } from '../../src/labels/registry-json.js';
import { updateRegistry } from '../../src/labels/registry-write.js';
import type { Registry } from '../../src/labels/registry.js';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lbcap-write-'));
  path = join(directory, 'lbcap.json');
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const add =
  (name: string, value = '127.0.0.2') =>
  ({ entries }: Registry): RegistryEntry[] => [...entries, { name, value }];
const names = (file = path): string[] =>
  Object.keys((JSON.parse(readFileSync(file, 'utf8')) as { labels: object }).labels);
const isRoot = process.geteuid?.() === 0;

describe('a change', () => {
  it('creates the file, and leaves nothing else behind', async () => {
    await updateRegistry({ path, expected: true }, add('a'));
    assert.deepEqual(names(), ['a']);
    assert.deepEqual(readdirSync(directory), ['lbcap.json']);
  });

  it('creates the directories of the user’s own place, but none that was typed', async () => {
    const own = join(directory, 'config', 'lbcap', 'labels.json');
    await assert.rejects(updateRegistry({ path: own, expected: true }, add('a')), {
      code: 'REGISTRY_IO',
      message: /create its directory/,
    });
    await updateRegistry({ path: own, expected: false }, add('a'));
    assert.deepEqual(names(own), ['a']);
    assert.equal(statSync(join(directory, 'config')).mode & 0o777, 0o700);
  });

  it('keeps mode and owner', async () => {
    writeFileSync(path, '{"labels": {}}');
    chmodSync(path, 0o640);
    if (isRoot) chownSync(path, 4001, 4002);
    await updateRegistry({ path, expected: true }, add('a'));
    const { mode, uid, gid } = statSync(path);
    assert.equal(mode & 0o7777, 0o640);
    if (isRoot) assert.deepEqual([uid, gid], [4001, 4002]);
  });

  it(
    'of a new file under sudo leaves it to the caller',
    { skip: !isRoot && 'needs root' },
    async () => {
      const own = join(directory, 'config', 'lbcap', 'labels.json');
      process.env['SUDO_UID'] = '4001';
      process.env['SUDO_GID'] = '4002';
      try {
        await updateRegistry({ path: own, expected: false }, add('a'));
      } finally {
        delete process.env['SUDO_UID'];
        delete process.env['SUDO_GID'];
      }
      for (const made of [own, join(directory, 'config', 'lbcap'), join(directory, 'config')]) {
        const { uid, gid } = statSync(made);
        assert.deepEqual([uid, gid], [4001, 4002], made);
      }
      assert.equal(statSync(directory).uid, 0);
    },
  );

  it('follows a symbolic link, which stays one', async () => {
    const target = join(directory, 'real.json');
    writeFileSync(target, '{"labels": {}, "kept": true}');
    symlinkSync('real.json', path);
    await updateRegistry({ path, expected: true }, add('a'));
    assert.ok(lstatSync(path).isSymbolicLink());
    assert.deepEqual(names(target), ['a']);
    assert.match(readFileSync(target, 'utf8'), /"kept": true/);
  });

  it('through a link to nothing is refused', async () => {
    symlinkSync('nowhere.json', path);
    await assert.rejects(updateRegistry({ path, expected: true }, add('a')), {
      code: 'REGISTRY_IO',
      message: /symbolic link to nothing/,
    });
  });

  it('that fails or changes nothing leaves the file as it was', async () => {
    const text = '{"labels":{"a":"127.0.0.2"}}';
    writeFileSync(path, text);
    const inode = statSync(path).ino;
    await assert.rejects(
      updateRegistry({ path, expected: true }, () => {
        throw new RangeError('changed my mind');
      }),
    );
    await updateRegistry({ path, expected: true }, () => null);
    assert.equal(readFileSync(path, 'utf8'), text);
    assert.equal(statSync(path).ino, inode);
    assert.deepEqual(readdirSync(directory), ['lbcap.json']);
  });

  it('of a wrong file leaves it alone', async () => {
    writeFileSync(path, '{"labels": [');
    await assert.rejects(updateRegistry({ path, expected: true }, add('a')), {
      code: 'REGISTRY_INVALID',
    });
    assert.equal(readFileSync(path, 'utf8'), '{"labels": [');
    assert.ok(!existsSync(`${path}.lock`));
  });

  it('of something that is no file is refused', async () => {
    mkdirSync(path);
    await assert.rejects(updateRegistry({ path, expected: true }, add('a')), {
      code: 'REGISTRY_IO',
      message: /not a regular file/,
    });
  });

  it('by many writers at once loses none', async () => {
    const all = Array.from({ length: 25 }, (_, index) => `n${index}`);
    await Promise.all(all.map((name) => updateRegistry({ path, expected: true }, add(name))));
    assert.deepEqual(names().sort(), all.sort());
  });

  it('waits for another writer, and says which file stands in the way', async () => {
    writeFileSync(`${path}.lock`, '');
    await assert.rejects(updateRegistry({ path, expected: true }, add('a')), {
      code: 'REGISTRY_IO',
      message: /another lbcap.*remove .*lbcap\.json\.lock/,
    });
    assert.ok(existsSync(`${path}.lock`));
    assert.ok(!existsSync(path));
  });
});
