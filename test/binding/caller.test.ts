/** What the child gets under sudo. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerEnvironment, parseEnvironment, passwdEntry } from '../../src/binding/caller.js';

const sudo = {
  HOME: '/root',
  USER: 'root',
  LOGNAME: 'root',
  PATH: '/usr/sbin:/usr/bin',
  SUDO_UID: '1000',
  SUDO_GID: '1000',
  SUDO_USER: 'ann',
  SUDO_COMMAND: '/usr/bin/lbcap run',
  LANG: 'C',
  GIVEN: 'behind sudo',
};

test("the caller's environment, and what was given behind sudo", () => {
  const before = {
    HOME: '/home/ann',
    USER: 'ann',
    PATH: '/home/ann/.nvm/bin:/usr/bin',
    LANG: 'de',
    JAVA_HOME: '/java',
  };
  assert.deepEqual(callerEnvironment(sudo, before, { user: 'ann', home: '/home/ann' }), {
    HOME: '/home/ann',
    USER: 'ann',
    PATH: '/home/ann/.nvm/bin:/usr/bin',
    LANG: 'C',
    JAVA_HOME: '/java',
    GIVEN: 'behind sudo',
  });
});

test('where the one before sudo cannot be seen', () => {
  assert.deepEqual(callerEnvironment(sudo, null, { user: 'ann', home: '/home/ann' }), {
    HOME: '/home/ann',
    USER: 'ann',
    LOGNAME: 'ann',
    PATH: '/usr/sbin:/usr/bin',
    LANG: 'C',
    GIVEN: 'behind sudo',
  });
});

test('environments and users as the system writes them', () => {
  assert.deepEqual(parseEnvironment('A=1\0B=x=y\0=odd\0none\0C=\0'), { A: '1', B: 'x=y', C: '' });
  const users = 'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann:/home/ann:/bin/zsh\n';
  assert.deepEqual(passwdEntry(users, 1000), { user: 'ann', home: '/home/ann' });
  assert.equal(passwdEntry(users, 1001), null);
});
