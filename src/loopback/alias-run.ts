/** Runs the commands that change the loopback's addresses, all of them or none. */
import { spawnSync } from 'node:child_process';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import type { Address } from '../labels/address.js';
import { textOf, type AliasSystem, type Words } from './alias-system.js';

/** @throws ALIAS_PERMISSION, ALIAS_FAILED */
export type Run = (words: Words) => void;

/** Where ip and ifconfig are, which is not in every user's PATH. */
const systemFolders = '/usr/sbin:/sbin';

export const runCommand: Run = ([program, ...words]) => {
  const { error, status, signal, stderr } = spawnSync(program, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:${systemFolders}`, LC_ALL: 'C' },
  });
  if (error !== undefined) {
    throw new LbcapError(
      'ALIAS_FAILED',
      isSystemError(error, 'ENOENT') ? `there is no ${program}` : messageOf(error),
      program === 'ip' ? 'install iproute2' : 'see that it is in the PATH',
      { cause: error },
    );
  }
  if (status === 0) return;
  const complaint = stderr.trim().split('\n').at(0) || (signal ?? `status ${status}`);
  const command = [program, ...words].join(' ');
  if (/not permitted|permission|must be root/i.test(complaint)) {
    throw new LbcapError(
      'ALIAS_PERMISSION',
      `no right to change the loopback's addresses (${command}: ${complaint})`,
      'run it as root (sudo env "PATH=$PATH" lbcap alias …)',
    );
  }
  throw new LbcapError('ALIAS_FAILED', `${command} failed (${complaint})`);
};

/** Adds all; where one cannot be, those before it are taken away again. */
export function addAliases(system: AliasSystem, addresses: readonly Address[], run: Run): void {
  for (const [index, { family, value }] of addresses.entries()) {
    try {
      run(system.add(family, textOf({ family, value })));
    } catch (error) {
      for (const added of addresses.slice(0, index)) {
        try {
          run(system.remove(added.family, textOf(added)));
        } catch {
          // The first failure is the one to tell.
        }
      }
      throw error;
    }
  }
}
