/** The command that installs libpcap on this system. */
import { readFileSync } from 'node:fs';

/**
 * Package managers by the ID of os-release(5). On Debian and Ubuntu releases where the package is
 * called libpcap0.8t64 it provides libpcap0.8, so that the old name still installs it.
 */
const commands: Readonly<Record<string, string>> = {
  debian: 'apt-get install -y libpcap0.8',
  ubuntu: 'apt-get install -y libpcap0.8',
  fedora: 'dnf install -y libpcap',
  rhel: 'dnf install -y libpcap',
  centos: 'yum install -y libpcap',
  amzn: 'yum install -y libpcap',
  opensuse: 'zypper install -y libpcap1',
  suse: 'zypper install -y libpcap1',
  sles: 'zypper install -y libpcap1',
  arch: 'pacman -S --noconfirm libpcap',
  alpine: 'apk add libpcap',
  void: 'xbps-install -y libpcap',
};

/**
 * The install command for the system that an os-release(5) text describes, by ID and then by each
 * word of ID_LIKE; `null` for one that is not known.
 */
export function installCommandFor(osRelease: string, isRoot: boolean): string | null {
  const ids = [...field(osRelease, 'ID'), ...field(osRelease, 'ID_LIKE')];
  // opensuse-leap, opensuse-tumbleweed: the family's name is in ID_LIKE, or in front of the dash.
  const known = ids
    .flatMap((id) => [id, id.split('-')[0]])
    .find((id) => Object.hasOwn(commands, id));
  if (known === undefined) return null;
  return isRoot ? commands[known] : `sudo ${commands[known]}`;
}

/** What to type on this machine to get libpcap; words that say so where no command is known. */
export function libpcapInstallCommand(): string {
  const isRoot = process.getuid?.() === 0;
  const unknown = 'install libpcap with the package manager of this system';
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return installCommandFor(readFileSync(path, 'utf8'), isRoot) ?? unknown;
    } catch {
      // The next place: the file is in either, and on macOS and some BSDs in neither.
    }
  }
  return unknown;
}

function field(osRelease: string, name: string): string[] {
  const line = new RegExp(`^${name}=(["']?)(.*)\\1\\s*$`, 'm').exec(osRelease);
  return line === null
    ? []
    : line[2]
        .toLowerCase()
        .split(/\s+/)
        .filter((id) => id !== '');
}
