/** Where the registry is: `lbcap.json` of this directory or one above, else the user's own. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What `findRegistry` found. */
export interface RegistryPlace {
  readonly path: string;
  /** It must be there: the user named it, or it was seen. */
  readonly expected: boolean;
}

/**
 * @param named the value of `--labels`
 * @param directory absolute; the search goes from here to the root
 */
export function findRegistry(
  named: string | undefined,
  directory: string,
  environment: Environment,
): RegistryPlace {
  if (named !== undefined) return { path: named, expected: true };
  for (let at = directory; ; at = dirname(at)) {
    const path = join(at, 'lbcap.json');
    if (existsSync(path)) return { path, expected: true };
    if (dirname(at) === at) break;
  }
  return { path: join(configHome(environment), 'lbcap', 'labels.json'), expected: false };
}

/** XDG Base Directory Specification: a relative `XDG_CONFIG_HOME` is ignored. */
function configHome(environment: Environment): string {
  const { XDG_CONFIG_HOME: configured } = environment;
  if (configured !== undefined && isAbsolute(configured)) return configured;
  return join(homeOfCaller(environment), '.config');
}

/**
 * Under sudo the home of whoever called it: labels added without sudo must be there for
 * `sudo lbcap watch`, though sudo says that home is root's.
 */
function homeOfCaller(environment: Environment): string {
  const { SUDO_UID: uid } = environment;
  const own = environment['HOME'] ?? homedir();
  if (uid === undefined || process.geteuid?.() !== 0) return own;
  let users: string;
  try {
    users = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return own;
  }
  // passwd(5): name, password, uid, gid, comment, home, shell.
  const user = users
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === uid);
  return user?.[5] ?? own;
}
