/** Privileges are dropped for good, or not touched at all. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test, type TestContext } from 'node:test';

const privilegesModule = new URL('../src/privileges.js', import.meta.url).href;

interface Ids {
  readonly result: unknown;
  readonly ids: readonly number[];
  readonly groups: readonly number[];
  readonly back: boolean;
}

/** Calls dropPrivileges in a child and tells who it is afterwards. */
function after(sudo: Record<string, string>, first = ''): Ids {
  const env: NodeJS.ProcessEnv = { ...process.env };
  delete env['SUDO_UID'];
  delete env['SUDO_GID'];
  const child = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `${first}
       const { dropPrivileges } = await import(${JSON.stringify(privilegesModule)});
       const result = dropPrivileges(process.env);
       const status = (await import('node:fs')).readFileSync('/proc/self/status', 'utf8');
       const ids = /^Uid:\\s+(.*)$/m.exec(status)[1].split(/\\s+/).slice(0, 3)
         .concat(/^Gid:\\s+(.*)$/m.exec(status)[1].split(/\\s+/).slice(0, 3)).map(Number);
       let back = true;
       try { process.setuid(0); } catch { back = false; }
       console.log(JSON.stringify({ result, ids, groups: process.getgroups(), back }));`,
    ],
    { encoding: 'utf8', env: { ...env, ...sudo } },
  );
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout) as Ids;
}

function isRoot(t: TestContext): boolean {
  if (process.getuid?.() === 0) return true;
  t.skip('only root has something to drop');
  return false;
}

const nobody = { SUDO_UID: '65534', SUDO_GID: '65534' };

test('under sudo: real, effective and saved ids and the groups are the user’s', (t) => {
  if (!isRoot(t)) return;
  assert.deepEqual(after(nobody), {
    result: { uid: 65_534, gid: 65_534 },
    ids: [65_534, 65_534, 65_534, 65_534, 65_534, 65_534],
    groups: [65_534],
    back: false,
  });
});

test('a user id that the user database does not know', (t) => {
  if (!isRoot(t)) return;
  const { result, ids, groups, back } = after({ SUDO_UID: '54321', SUDO_GID: '54322' });
  assert.deepEqual(result, { uid: 54_321, gid: 54_322 });
  assert.deepEqual(ids, [54_321, 54_321, 54_321, 54_322, 54_322, 54_322]);
  assert.deepEqual(groups, [54_322]);
  assert.equal(back, false);
});

for (const [title, sudo] of [
  ['no sudo', {}],
  ['root called sudo', { SUDO_UID: '0', SUDO_GID: '0' }],
  ['no group', { SUDO_UID: '65534' }],
  ['not a number', { SUDO_UID: '65534x', SUDO_GID: '65534' }],
  ['"no change" to the kernel', { SUDO_UID: '4294967295', SUDO_GID: '65534' }],
] as const) {
  test(`nothing is touched: ${title}`, (t) => {
    if (!isRoot(t)) return;
    const { result, ids } = after(sudo);
    assert.equal(result, null);
    assert.deepEqual(ids, [0, 0, 0, 0, 0, 0]);
  });
}

test('nothing is touched: not root', (t) => {
  if (!isRoot(t)) return;
  const { result, ids } = after(nobody, 'process.setgid(65533); process.setuid(65533);');
  assert.equal(result, null);
  assert.deepEqual(ids.slice(0, 3), [65_533, 65_533, 65_533]);
});
