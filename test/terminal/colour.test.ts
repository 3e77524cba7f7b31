import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  colourAllowed,
  paint,
  unicodeAllowed,
  type Environment,
} from '../../src/terminal/colour.js';

test('colour: forced, refused, or as the terminal is', () => {
  const cases: [Environment, boolean, boolean][] = [
    [{}, true, true],
    [{}, false, false],
    [{ TERM: 'dumb' }, true, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: 'false' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, false, true],
  ];
  for (const [env, isTTY, allowed] of cases) {
    assert.equal(colourAllowed(env, isTTY), allowed, JSON.stringify({ env, isTTY }));
  }
});

test('Unicode, unless the locale or the terminal says otherwise', () => {
  assert.equal(unicodeAllowed({}), true);
  assert.equal(unicodeAllowed({ LANG: 'en_GB.UTF-8' }), true);
  assert.equal(unicodeAllowed({ LANG: 'C.utf8' }), true);
  assert.equal(unicodeAllowed({ LANG: 'C' }), false);
  assert.equal(unicodeAllowed({ LC_ALL: 'C', LANG: 'en_GB.UTF-8' }), false);
  assert.equal(unicodeAllowed({ LC_ALL: '', LANG: 'de_DE.ISO-8859-1' }), false);
  assert.equal(unicodeAllowed({ TERM: 'dumb' }), false);
});

test('paint adds nothing without colour', () => {
  assert.equal(paint('3', 'alarm', false), '3');
  assert.equal(paint('3', 'plain', true), '3');
  assert.equal(paint('3', 'alarm', true), '\u001b[31m3\u001b[39m');
});
