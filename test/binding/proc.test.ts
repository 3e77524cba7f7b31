/** Texts of /proc. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseCgroupMount,
  parseOwnCgroup,
  parseStat,
  processMark,
} from '../../src/binding/proc.js';

test('a process whose name looks like fields', () => {
  const fields = 'S 7 8 9 34816 8 4194304 0 0 0 0 0 0 0 0 20 0 1 0 4711 0';
  const stat = parseStat(`42 (a) S 1 (b) ${fields}`);
  assert.ok(stat !== null);
  assert.equal(stat.name, 'a) S 1 (b');
  assert.equal(stat.parent, 7);
  assert.equal(stat.group, 8);
  assert.equal(stat.terminal, 34816);
  assert.equal(stat.foreground, 8);
  assert.equal(stat.startTime, '4711');
});

test('texts that are no stat', () => {
  for (const text of ['', '42', '42 (a', '42 (a) S 1 2', ') ('])
    assert.equal(parseStat(text), null);
});

test(
  'this process has a mark, a missing one none',
  { skip: process.platform !== 'linux' && 'no /proc' },
  () => {
    assert.match(processMark('self') ?? '', new RegExp(`^${process.pid}-[0-9]+$`));
    assert.equal(processMark('self'), processMark(process.pid));
    // One more than the kernel gives out at most.
    assert.equal(processMark(4_194_305), null);
  },
);

test('where cgroup2 is mounted', () => {
  const hybrid =
    'tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n';
  assert.equal(parseCgroupMount(hybrid), '/sys/fs/cgroup/unified');
  assert.equal(parseCgroupMount('none /a\\040b cgroup2 rw 0 0\n'), '/a b');
  assert.equal(parseCgroupMount('cgroup2 /x cgroup rw 0 0\n'), null);
});

test('the own cgroup', () => {
  assert.equal(
    parseOwnCgroup('4:memory:/a\n0::/user.slice/session-3.scope\n'),
    '/user.slice/session-3.scope',
  );
  assert.equal(parseOwnCgroup('0::/\n'), '/');
  assert.equal(parseOwnCgroup('0::/../..\n'), '/');
  assert.equal(parseOwnCgroup('4:memory:/a\n'), '/');
});
