/** Code caches of the bundles: V8 takes them, and lbcap runs without. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
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
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { codeCachePath, compile } from '../../src/cli/load-bundle.js';
import { lbcapPath } from './lbcap.js';

const bundles = ['program', 'split-program', 'run-direct'];
let folder = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lbcap-bundles-'));
  cpSync(dirname(lbcapPath), join(folder, 'cli'), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** Of the copy: `split --help`, which is in two bundles, and its exit status. */
function help(...flags: readonly string[]): string {
  const program = join(folder, 'cli', 'lbcap.cjs');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, program, 'split', '--help'],
    { encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return stdout;
}

for (const bundle of bundles) {
  test(`V8 takes the code cache that the build has left of ${bundle}`, () => {
    const path = join(dirname(lbcapPath), `${bundle}.cjs`);
    const script = compile(path, readFileSync(codeCachePath(path)));
    assert.equal(script.cachedDataRejected, false);
  });
}

test('the build makes them under sudo, too, and where there is a registry', () => {
  const path = join(folder, 'cli', 'split-program.cjs');
  rmSync(codeCachePath(path));
  mkdirSync(join(folder, 'lbcap'));
  writeFileSync(join(folder, 'lbcap', 'labels.json'), '{"labels":{"kafka":"127.0.0.2"}}');
  const env = {
    ...process.env,
    XDG_CONFIG_HOME: folder,
    SUDO_UID: '65534',
    SUDO_GID: '65534',
  };
  const { status, stderr } = spawnSync(process.execPath, ['dist/.ci/code-cache.js', path], {
    env,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.equal(compile(path, readFileSync(codeCachePath(path))).cachedDataRejected, false);
});

test('with other flags of V8, with half a cache and without one the program is the same', () => {
  const words = help();
  assert.match(words, /^Usage: lbcap split/);
  assert.equal(help('--stack-size=900'), words, 'flags');
  const caches = readdirSync(join(folder, 'cli')).filter((file) => file.endsWith('.cache'));
  assert.equal(caches.length, bundles.length);
  for (const half of [true, false]) {
    for (const file of caches) {
      const path = join(folder, 'cli', file);
      if (half) truncateSync(path, 10_000);
      else rmSync(path);
    }
    assert.equal(help(), words, half ? 'half' : 'none');
  }
});
