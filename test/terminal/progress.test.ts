import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress, progressLine, type ProgressOptions } from '../../src/terminal/progress.js';

function bar(options: Partial<ProgressOptions> = {}): {
  progress: ReturnType<typeof createProgress>;
  written: string[];
  clock: { now: number };
} {
  const written: string[] = [];
  const clock = { now: 0 };
  const stream = { isTTY: true, columns: 80, write: (text: string) => written.push(text) > 0 };
  const progress = createProgress({
    stream,
    env: { NO_COLOR: '1' },
    name: 'trace.pcap',
    total: 4096,
    now: () => clock.now,
    ...options,
  });
  return { progress, written, clock };
}

test('what is over in half a second shows nothing', () => {
  const { progress, written, clock } = bar();
  for (clock.now = 0; clock.now < 500; clock.now += 50) progress.update(clock.now);
  progress.finish();
  assert.deepEqual(written, []);
});

test('ten times a second at most, and gone at the end', () => {
  const { progress, written, clock } = bar();
  for (clock.now = 0; clock.now <= 1000; clock.now += 10) progress.update(clock.now);
  assert.equal(written.length, 6);
  assert.ok(written.every((text) => text.startsWith('\r\u001b[2Ktrace.pcap ')));
  progress.finish();
  assert.equal(written.at(-1), '\r\u001b[2K');
  progress.update(4096);
  progress.finish();
  assert.equal(written.length, 7);
});

test('nothing without a terminal', () => {
  for (const options of [
    { stream: { isTTY: false, write: () => assert.fail('written') } },
    { env: { TERM: 'dumb' }, stream: { isTTY: true, write: () => assert.fail('written') } },
  ]) {
    const { progress, clock } = bar(options);
    clock.now = 5000;
    progress.update(1);
    progress.finish();
  }
});

test('percent, time left, speed and size, as far as there is room', () => {
  const options: ProgressOptions = {
    stream: { isTTY: true, write: () => true },
    env: { NO_COLOR: '1' },
    name: 'trace.pcap',
    total: 2 * 1024 ** 3,
  };
  const at = (width: number, position = 512 * 1024 ** 2): string =>
    progressLine(options, position, 2000, width);
  assert.equal(
    at(100),
    'trace.pcap ━━━━━━━─────────────────────── 25 % · 6.0 s left · 256M/s · 512M of 2.0G',
  );
  assert.equal(at(40), '━━━────────── 25 % · 6.0 s left · 256M/s');
  assert.equal(
    at(100, 2 * 1024 ** 3 + 7).includes('100 % · 0 ms left'),
    true,
    'never beyond the end',
  );
  assert.equal(at(100, 0), 'trace.pcap ────────────────────────────── 0 % · 0/s · 0 of 2.0G');
  for (let width = 10; width < 120; width++) assert.ok(at(width).length <= width, at(width));
  assert.equal(
    progressLine({ ...options, name: 'standard input', total: null }, 1 << 20, 2000, 80),
    'standard input · 1.0M · 512k/s · 2.0 s',
  );
  assert.equal(
    progressLine({ ...options, env: { TERM: 'dumb' } }, 1 << 30, 2000, 60),
    '#########......... 50 % | 2.0 s left | 512M/s | 1.0G of 2.0G',
  );
});
