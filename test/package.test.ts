/** What npm would publish: packs, installs into an empty folder, runs, and is typed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

interface Manifest {
  readonly version: string;
  readonly bin: { readonly lbcap: string };
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
let folder = '';
let packed: Packed | undefined;

function run(command: string, words: readonly string[], cwd: string): string {
  return execFileSync(command, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lbcap-package-'));
  // --ignore-scripts: what is built is what is tested, and building it again would disturb the
  // other tests. Since then, npm 11.x answers with an object by package name, before with a list.
  const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const answer = JSON.parse(run('npm', words, '.')) as Packed[] | Record<string, Packed>;
  packed = Object.values(answer)[0];
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('the tarball holds the program, the library and its types, and nothing else', () => {
  const files = packed?.files ?? assert.fail('nothing was packed');
  const paths = files.map(({ path }) => path);
  for (const path of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', manifest.bin.lbcap])
    assert.ok(paths.includes(path), `${path} is in the tarball`);
  for (const path of ['dist/src/index.js', 'dist/src/index.d.ts'])
    assert.ok(paths.includes(path), `${path} is in the tarball`);
  const strays = paths.filter((path) => /^(src|test|bench|fixtures)\/|\/test\/|\.ci/.test(path));
  assert.deepEqual(strays, []);
});

test(
  'installed into an empty folder, it runs and its library is typed',
  { timeout: 120_000 },
  () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), '{"name":"home","private":true,"type":"module"}');
    const tarball = join(folder, packed?.filename ?? assert.fail('nothing was packed'));
    run(
      'npm',
      ['install', '--ignore-scripts', '--prefer-offline', '--omit=optional', tarball],
      home,
    );

    const program = join(home, 'node_modules', '.bin', 'lbcap');
    assert.equal(run(program, ['--version'], home).trim(), manifest.version);
    const filter = ['filter', '--label', 'a=127.0.0.2', '--for', 'bpf'];
    assert.equal(run(program, filter, home), 'host 127.0.0.2\n');

    writeFileSync(
      join(home, 'use.ts'),
      `import { LbcapError, type ErrorCode } from 'lbcap';
const code: ErrorCode = new LbcapError('USAGE', 'wrong').code;
// @ts-expect-error the set of codes is closed
const other: ErrorCode = 'NO_SUCH_CODE';
export { code, other };
`,
    );
    const types = resolve('node_modules/@types');
    const compiler = resolve('node_modules/typescript/bin/tsc');
    const options = ['--module', 'nodenext', '--strict', '--typeRoots', types, '--types', 'node'];
    run(process.execPath, [compiler, ...options, 'use.ts'], home);
    assert.match(run(process.execPath, ['use.js'], home), /^$/);
  },
);

test('the lockfile names no registry', () => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { resolved?: string; version?: string }>;
  };
  const named = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined);
  assert.deepEqual(named, []);
});
