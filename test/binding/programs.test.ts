/** The programs as pure functions of the label: which there are, and that all of them encode. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '../../src/binding/asm.js';
import { programsOf } from '../../src/binding/programs.js';
import { instructionSize } from '../../src/native/bpf-layouts.js';
import { everyPlan, planOf } from './plans.js';

test('bind programs only where they are asked for', () => {
  const hooks = (plan: Parameters<typeof programsOf>[0]) =>
    programsOf(plan).map(({ hook }) => hook);
  const always = ['connect4', 'connect6', 'sendmsg4', 'sendmsg6'];
  assert.deepEqual(hooks(planOf({})), always);
  assert.deepEqual(hooks(planOf({ server: true })), [...always, 'bind4', 'bind6']);
  assert.deepEqual(hooks(planOf({ rebind: true })), [...always, 'bind4', 'bind6']);
});

test('every combination of options and labels encodes, within old limits', () => {
  let count = 0;
  for (const plan of everyPlan()) {
    for (const { lines } of programsOf(plan)) {
      // BPF_MAXINSNS before 5.2, for who has no privileges; nobody needs more.
      assert.ok(encode(lines).length / instructionSize < 4096);
      count += 1;
    }
  }
  assert.ok(count > 500, `${count} programs`);
});

test('the same label gives the same bytes', () => {
  const bytes = () => programsOf(planOf({})).map(({ lines }) => encode(lines).toString('hex'));
  assert.deepEqual(bytes(), bytes());
});
