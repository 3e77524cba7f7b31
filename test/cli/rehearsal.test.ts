/** The first connection that ends: no reason to throw away the code of the loop over packets. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('first-ending.js', import.meta.url));

/** Functions whose code was thrown away after they had been compiled. */
function thrownAway(...words: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      // Without another thread nothing depends on how busy the machine is.
      ...['--trace-deopt', '--no-concurrent-recompilation', '--no-concurrent-osr'],
      program,
      ...words,
    ],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  const after = stdout.slice(stdout.indexOf('compiled'));
  return [...after.matchAll(/deoptimizing 0x\w+ <JSFunction (\S+)/g)].map(([, name]) => name ?? '');
}

describe('packets that were rehearsed', () => {
  it('need no compiling when they come', () => {
    const hot = ['#walkEach', 'packet'];
    const isHot = (name: string) => hot.includes(name);
    assert.ok(thrownAway().some(isHot), 'without a rehearsal: else it could go');
    assert.deepEqual(thrownAway('rehearsed').filter(isHot), []);
  });
});
