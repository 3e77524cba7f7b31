import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openFileInput } from '../../src/sources/file-input.js';
import { isPipe } from '../../src/sources/pipe-input.js';

const directory = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(directory, { recursive: true }));

const fifo = join(directory, 'fifo');
execFileSync('mkfifo', [fifo]);

/** More than the input holds by itself, and no two places alike. */
const content = new Uint8Array(5_000_003).map((_, i) => (i * 7 + (i >> 8) * 13 + (i >> 16)) & 0xff);

describe('a pipe', () => {
  it('is read whole, whoever is the faster', async () => {
    const path = join(directory, 'content');
    writeFileSync(path, content);
    for (const [size, rest] of [
      [1000, 0],
      [2 * 1024 * 1024, 0],
      // The reader has other things to do now and then.
      [300_000, 20],
    ]) {
      const writer = spawn('sh', ['-c', 'cat "$0" >"$1"', path, fifo]);
      const ended = once(writer, 'exit');
      const input = await openFileInput(fifo);
      assert.deepEqual(await input.peek(4), content.slice(0, 4));
      assert.deepEqual(await input.peek(1024 * 1024), content.slice(0, 1024 * 1024));
      const bytes = new Uint8Array(size);
      const whole = new Uint8Array(content.length + 1);
      let filled = 0;
      for (;;) {
        const length = await input.read(bytes, 0, size);
        if (length === 0) break;
        whole.set(bytes.subarray(0, length), filled);
        filled += length;
        for (let turn = 0; turn < rest; turn++) await setImmediate();
      }
      assert.equal(filled, content.length);
      assert.ok(Buffer.compare(whole.subarray(0, filled), content) === 0);
      assert.equal(await input.read(bytes, 0, size), 0);
      await input.close();
      await ended;
    }
  });

  it('hands over what there is, and a silent one can be closed', async () => {
    const opening = openFileInput(fifo);
    const fd = openSync(fifo, 'r+');
    const input = await opening;
    assert.ok(isPipe(fd));
    writeSync(fd, 'abc');
    const bytes = new Uint8Array(10);
    assert.equal(await input.read(bytes, 2, 8), 3);
    assert.deepEqual([...bytes.subarray(0, 6)], [0, 0, 97, 98, 99, 0]);
    const pending = input.read(bytes, 0, 8);
    await input.close();
    assert.equal(await pending, 0);
    closeSync(fd);
  });
});
