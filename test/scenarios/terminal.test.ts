/** The live table on a real terminal, tmux's: what a person would see. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { setTimeout as after } from 'node:timers/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../fixtures/live-table.js', import.meta.url));
const server = `lbcap-test-${String(process.pid)}`;

function tmux(...words: string[]): string {
  return execFileSync('tmux', ['-L', server, ...words], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' },
  });
}

/**
 * What is visible. tmux moves lines that a narrower screen wraps into its history, out of anyone's
 * reach, and may bring them back when it gets higher.
 */
const screen = (): string => tmux('capture-pane', '-p', '-t', 'table');
const cursorShown = (): boolean =>
  tmux('display', '-p', '-t', 'table', '#{cursor_flag}').trim() === '1';

/** The screen's lines, once they are as wanted: frames come every 50 ms. */
async function until(wanted: (lines: string[]) => boolean, what: string): Promise<string[]> {
  for (let tries = 0; tries < 200; tries++) {
    const lines = screen().trimEnd().split('\n');
    if (wanted(lines)) return lines;
    await after(25);
  }
  return assert.fail(`${what}:\n${screen()}`);
}

const count = (lines: string[], pattern: RegExp): number =>
  lines.filter((line) => pattern.test(line)).length;

const missing = spawnSync('tmux', ['-V']).status === 0 ? false : 'tmux is not installed';

test('a table in place: resized, suspended, interrupted', { skip: missing }, async (t) => {
  tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'table', '-x', '120', '-y', '20', 'sh');
  t.after(() => tmux('kill-server'));
  const keys = (...words: string[]): string => tmux('send-keys', '-t', 'table', ...words);
  keys(`PS1='$ '; exec 2>&1; clear; env -u NO_COLOR '${process.execPath}' '${program}'`, 'Enter');
  // A rule that is wrapped makes more than two lines of dashes.
  const clean = (lines: string[]): boolean =>
    count(lines, /^─/) === 2 &&
    count(lines, /^total /) === 1 &&
    count(lines, /^label /) === 1 &&
    count(lines, /^captured/) === 1;

  const wide = (lines: string[]): boolean => clean(lines) && count(lines, /busiest peer/) === 1;
  const first = await until(wide, 'at 120 columns');
  assert.equal(cursorShown(), false);
  assert.equal(count(first, /^labels:/), 1, 'what stood above is still there');

  for (const [width, height] of [
    [70, 20],
    [45, 20],
    [100, 20],
    [70, 9],
    [45, 9],
  ]) {
    tmux('resize-window', '-t', 'table', '-x', String(width), '-y', String(height));
    const lines = await until(clean, `at ${String(width)} by ${String(height)}`);
    assert.ok(lines.every((line) => line.length <= width));
  }
  tmux('resize-window', '-t', 'table', '-x', '120', '-y', '30');
  await until((lines) => count(lines, /busiest peer/) > 0, 'wide again');
  const before = count(screen().split('\n'), /^total /);

  keys('C-z');
  await until((lines) => /Stopped/.test(lines.join('\n')), 'suspended');
  assert.equal(cursorShown(), true);
  keys('fg', 'Enter');
  await until((lines) => count(lines, /^total /) === before + 1, 'going on, beneath');

  keys('C-c');
  const end = await until((lines) => lines.at(-1) === '$', 'interrupted');
  assert.equal(cursorShown(), true);
  assert.match(end.at(-2) ?? '', /others 0/, 'the prompt is beneath the table');
  assert.match(end.join('\n'), /average\/s/);
});
