/** Where the registry is looked for. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findRegistry } from '../../src/labels/registry-path.js';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'lbcap-path-')));
after(() => {
  rmSync(root, { recursive: true });
});
const inner = join(root, 'project', 'src', 'deep');
mkdirSync(inner, { recursive: true });
writeFileSync(join(root, 'project', 'lbcap.json'), '{"labels": {}}');

describe('the registry', () => {
  it('is the file that is named, there or not', () => {
    const place = findRegistry('some/where.json', inner, {});
    assert.deepEqual(place, { path: 'some/where.json', expected: true });
  });

  it('is lbcap.json of the working directory or the nearest above', () => {
    const path = join(root, 'project', 'lbcap.json');
    assert.deepEqual(findRegistry(undefined, inner, {}), { path, expected: true });
    assert.deepEqual(findRegistry(undefined, join(root, 'project'), {}), { path, expected: true });
  });

  it('else is the user’s own, which need not be there', () => {
    const environment = { XDG_CONFIG_HOME: join(root, 'config'), HOME: root };
    const path = join(root, 'config', 'lbcap', 'labels.json');
    assert.deepEqual(findRegistry(undefined, root, environment), { path, expected: false });
  });

  it('is below ~/.config without XDG_CONFIG_HOME, or with a relative one', () => {
    const path = join(root, '.config', 'lbcap', 'labels.json');
    for (const XDG_CONFIG_HOME of [undefined, '', 'relative']) {
      assert.equal(findRegistry(undefined, root, { XDG_CONFIG_HOME, HOME: root }).path, path);
    }
  });

  it(
    'is that of the user who called sudo',
    { skip: process.geteuid?.() !== 0 && 'needs root' },
    () => {
      const environment = { HOME: root, SUDO_UID: '0' };
      const path = join(userInfo().homedir, '.config', 'lbcap', 'labels.json');
      assert.equal(findRegistry(undefined, root, environment).path, path);
      const stranger = findRegistry(undefined, root, { HOME: root, SUDO_UID: '4000000' });
      assert.equal(stranger.path, join(root, '.config', 'lbcap', 'labels.json'));
    },
  );
});
