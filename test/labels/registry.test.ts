/** Reading a registry file. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { LbcapError } from '../../src/errors.js';
import { readRegistry } from '../../src/labels/registry.js';

const directory = mkdtempSync(join(tmpdir(), 'lbcap-registry-'));
after(() => {
  rmSync(directory, { recursive: true });
});
const path = join(directory, 'lbcap.json');

function assertRefused(text: string, ...words: RegExp[]): void {
  writeFileSync(path, text);
  assert.throws(
    () => readRegistry({ path, expected: true }),
    (error) => {
      assert.ok(error instanceof LbcapError);
      assert.equal(error.code, 'REGISTRY_INVALID');
      assert.ok(error.message.includes(path), error.message);
      assert.doesNotMatch(error.message, /\n/);
      for (const word of words) assert.match(error.message, word);
      return true;
    },
  );
}

describe('a registry', () => {
  it('gives labels in the order of the file', () => {
    writeFileSync(path, '{"labels": {"b": ["127.0.0.2", "127.0.0.3"], "7": "::1"}, "more": 1}');
    const registry = readRegistry({ path, expected: true });
    assert.deepEqual(
      Array.from(registry?.labels ?? [], ({ name, text }) => [name, text]),
      [
        ['b', '127.0.0.2,127.0.0.3'],
        ['7', '::1'],
      ],
    );
  });

  it('is refused with its path and the field', () => {
    assertRefused(
      '{"labels": {"a": "127.0.0.256"}}',
      /labels/,
      /"a"/,
      /127\.0\.0\.256/,
      /0 to 255/,
    );
    assertRefused('{"labels": {"../a": "127.0.0.2"}}', /labels/, /"\.\.\/a"/);
    assertRefused('{"labels": {"__proto__": "127.0.0.2"}}', /"__proto__"/);
    assertRefused('{"labels": {"a": ["127.0.0.2", "x"]}}', /"a"/, /"x"/);
    assertRefused('{"labels": {"a": ""}}', /"a" has no address/);
    assertRefused('{"labels":\n{"a"\n', /not JSON/);
  });

  it('may be absent only where nobody asked for it', () => {
    const absent = join(directory, 'absent.json');
    assert.equal(readRegistry({ path: absent, expected: false }), null);
    assert.throws(() => readRegistry({ path: absent, expected: true }), {
      code: 'REGISTRY_IO',
      message: /absent\.json.*no such file.*label add/,
    });
  });

  it('that cannot be read is an error, whoever asked', () => {
    const folder = join(directory, 'folder.json');
    mkdirSync(folder);
    for (const expected of [true, false]) {
      assert.throws(() => readRegistry({ path: folder, expected }), {
        code: 'REGISTRY_IO',
        message: /folder\.json.*directory/,
      });
    }
  });
});
