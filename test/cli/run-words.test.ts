/** The words behind `lbcap run`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRunWords, type RunWords } from '../../src/cli/run-words.js';

function read(text: string): RunWords {
  const words = readRunWords(text.split(' ').filter(Boolean));
  assert.ok(words !== 'help');
  return words;
}

test('options on either side of the label, the program behind --', () => {
  for (const text of [
    '--pool --ipv6 to4 a=127.0.0.2 -- curl -o --pool',
    'a=127.0.0.2 --pool --ipv6=to4 -- curl -o --pool',
    '--pool a=127.0.0.2 --ipv6 to4 curl -o --pool',
  ]) {
    const { options, label, command } = read(text);
    assert.deepEqual(options, { pool: true, ipv6: 'to4' }, text);
    assert.equal(label, 'a=127.0.0.2');
    assert.deepEqual(command, ['curl', '-o', '--pool']);
  }
});

test('without a label', () => {
  const { label, command } = read('-q -- true --help');
  assert.equal(label, undefined);
  assert.deepEqual(command, ['true', '--help']);
});

test('short options, together and with their values', () => {
  for (const text of [
    '-q --watch -o bug a true',
    '--watch -qobug a true',
    '--watch -qo bug a true',
  ]) {
    const { options, watchWords } = read(text);
    assert.deepEqual(options, { quiet: true, watch: true, out: 'bug' }, text);
    assert.deepEqual(watchWords, ['--out', 'bug']);
  }
});

test("watch's options, in order", () => {
  const { watchWords } = read('--watch -f tcp --no-write -s 96 a -- true');
  assert.deepEqual(watchWords, ['--filter', 'tcp', '--no-write', '--snaplen', '96']);
});

test('help before the program is ours, behind it the program’s', () => {
  assert.equal(readRunWords(['--help']), 'help');
  assert.equal(readRunWords(['a', '-h']), 'help');
  assert.notEqual(readRunWords(['a', 'curl', '-h']), 'help');
});

test('wrong words', () => {
  assert.throws(() => read('--bogus a true'), /unknown option "--bogus"/);
  assert.throws(() => read('-x a true'), /unknown option "-x"/);
  assert.throws(() => read('--pool=yes a true'), /--pool takes no value/);
  assert.throws(() => read('a --ipv6'), /--ipv6 needs a value/);
  assert.throws(() => read('-o bug a true'), /--out is for --watch/);
});
