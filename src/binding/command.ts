/** Finds a command as execvp(3) does, and starts it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import { quote } from '../labels/quote.js';
import type { Kernel } from '../native/kernel.js';
import { spawnProgram } from '../native/spawn.js';

export interface Command {
  readonly words: readonly [string, ...string[]];
  readonly environment: NodeJS.ProcessEnv;
}

/** What execvp(3) takes for a PATH that is not set. */
const usualPath = '/bin:/usr/bin';

/**
 * On lbcap's own standard input, output and error.
 *
 * @returns the process id
 * @throws LbcapError `COMMAND_UNKNOWN` (the shell's 127) or `COMMAND_REFUSED` (its 126)
 */
export function startCommand(kernel: Kernel, { words, environment }: Command): number {
  const [name] = words;
  let failure: unknown = null;
  for (const file of candidates(name, environment['PATH'] ?? usualPath)) {
    try {
      return startFile(kernel, file, words, environment);
    } catch (error) {
      // The next directory may have it all the same.
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw startError(name, error);
      failure ??= error;
    }
  }
  throw startError(name, failure);
}

function candidates(name: string, path: string): string[] {
  if (name.includes('/')) return [name];
  if (name === '') return [];
  // An empty entry is the working directory.
  return path
    .split(':')
    .map((folder) => join(folder === '' ? '.' : folder, name))
    .filter(existsSync);
}

function startFile(
  kernel: Kernel,
  file: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): number {
  const program = { environment, descriptors: [0, 1, 2], ownSession: false };
  try {
    return spawnProgram(kernel, { ...program, file, words });
  } catch (error) {
    // A script that does not say for whom is the shell's.
    if (!isSystemError(error, 'ENOEXEC')) throw error;
    const shell = '/bin/sh';
    return spawnProgram(kernel, {
      ...program,
      file: shell,
      words: [shell, file, ...words.slice(1)],
    });
  }
}

function startError(name: string, cause: unknown): LbcapError {
  if (cause === null || isSystemError(cause, 'ENOENT')) {
    return new LbcapError(
      'COMMAND_UNKNOWN',
      `there is no command ${quote(name)}`,
      'see that it is installed and in the PATH',
      { cause },
    );
  }
  if (isSystemError(cause, 'EACCES', 'EPERM', 'ENOEXEC', 'EISDIR', 'ENOTDIR', 'ELOOP')) {
    return new LbcapError(
      'COMMAND_REFUSED',
      `${quote(name)} cannot be executed (${cause.code})`,
      'make it executable with chmod +x, or name a program',
      { cause },
    );
  }
  return new LbcapError(
    'RUN_FAILED',
    `${quote(name)} cannot be started (${messageOf(cause)})`,
    undefined,
    { cause },
  );
}
