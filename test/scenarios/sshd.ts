/** An sshd of a test's own: on a free port of 127.0.0.1, with keys that are thrown away. Needs root. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endings } from './endings.js';
import { freePort, RunningProgram, waitForPort } from './process.js';

/** Where Debian's sshd wants an empty directory; its service makes it, when that runs. */
const emptyDirectory = '/run/sshd';

/** For a test's `skip`: sshd lets nobody in to an account whose password is locked by `!`. */
export function lockedRoot(): string | false {
  const locked = /^root:!/m.test(readFileSync('/etc/shadow', 'utf8'));
  return locked && "root's account is locked (/etc/shadow), so sshd does not let it in";
}

/** @returns the words that run a command there, put behind them as one word */
export async function startSshd(folder: string, endings: Endings): Promise<readonly string[]> {
  const [hostKey, userKey] = ['host-key', 'user-key'].map((name) => join(folder, name));
  for (const file of [hostKey, userKey])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  const port = await freePort();
  const configuration = join(folder, 'sshd_config');
  writeFileSync(
    configuration,
    `ListenAddress 127.0.0.1:${port}
HostKey ${hostKey}
AuthorizedKeysFile ${userKey}.pub
PidFile none
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
# The folder is below /tmp, where everybody writes.
StrictModes no
`,
  );
  if (!existsSync(emptyDirectory)) {
    mkdirSync(emptyDirectory, { mode: 0o755 });
    endings.add(() => rmdirSync(emptyDirectory));
  }
  // sshd starts itself anew for each connection, and so wants to be called by its path.
  const path = execFileSync('sh', ['-c', 'command -v sshd'], { encoding: 'utf8' }).trim();
  const server = new RunningProgram(path, ['-D', '-e', '-f', configuration]);
  endings.add(() => server.end());
  await Promise.race([
    waitForPort('127.0.0.1', port),
    server.exited.then(() => {
      throw new Error(`sshd ended: ${server.stderr}`);
    }),
  ]);
  const options = ['BatchMode=yes', 'IdentitiesOnly=yes', 'StrictHostKeyChecking=accept-new'];
  return [
    ...['ssh', '-F', 'none', '-q', '-p', String(port), '-i', userKey],
    ...[...options, `UserKnownHostsFile=${join(folder, 'known-hosts')}`].flatMap((o) => ['-o', o]),
    'root@127.0.0.1',
  ];
}
