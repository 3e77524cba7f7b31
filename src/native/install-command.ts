/** The command that installs libpcap, or Wireshark's programs, on this system. */
import { readFileSync } from 'node:fs';

/** What can be asked for; `wireshark` is dumpcap and tshark, without the windows. */
export type Installable = 'libpcap' | 'wireshark';

/**
 * Package managers by the ID of os-release(5). On Debian and Ubuntu releases where the package is
 * called libpcap0.8t64 it provides libpcap0.8, so that the old name still installs it.
 */
const commands: Readonly<Record<string, Readonly<Record<'by' | Installable, string>>>> = {
  debian: { by: 'apt-get install -y', libpcap: 'libpcap0.8', wireshark: 'tshark' },
  ubuntu: { by: 'apt-get install -y', libpcap: 'libpcap0.8', wireshark: 'tshark' },
  fedora: { by: 'dnf install -y', libpcap: 'libpcap', wireshark: 'wireshark-cli' },
  rhel: { by: 'dnf install -y', libpcap: 'libpcap', wireshark: 'wireshark-cli' },
  centos: { by: 'yum install -y', libpcap: 'libpcap', wireshark: 'wireshark-cli' },
  amzn: { by: 'yum install -y', libpcap: 'libpcap', wireshark: 'wireshark-cli' },
  opensuse: { by: 'zypper install -y', libpcap: 'libpcap1', wireshark: 'wireshark' },
  suse: { by: 'zypper install -y', libpcap: 'libpcap1', wireshark: 'wireshark' },
  sles: { by: 'zypper install -y', libpcap: 'libpcap1', wireshark: 'wireshark' },
  arch: { by: 'pacman -S --noconfirm', libpcap: 'libpcap', wireshark: 'wireshark-cli' },
  alpine: { by: 'apk add', libpcap: 'libpcap', wireshark: 'tshark' },
  void: { by: 'xbps-install -y', libpcap: 'libpcap', wireshark: 'wireshark' },
};

/**
 * The install command for the system that an os-release(5) text describes, by ID and then by each
 * word of ID_LIKE; `null` for one that is not known.
 */
export function installCommandFor(
  what: Installable,
  osRelease: string,
  isRoot: boolean,
): string | null {
  const ids = [...field(osRelease, 'ID'), ...field(osRelease, 'ID_LIKE')];
  // opensuse-leap, opensuse-tumbleweed: the family's name is in ID_LIKE, or in front of the dash.
  const known = ids
    .flatMap((id) => [id, id.split('-')[0]])
    .find((id) => Object.hasOwn(commands, id));
  if (known === undefined) return null;
  const { by, [what]: name } = commands[known];
  return `${isRoot ? '' : 'sudo '}${by} ${name}`;
}

/** What to type on this machine to get it; words that say so where no command is known. */
export function installCommand(what: Installable): string {
  const isRoot = process.getuid?.() === 0;
  const unknown = `install ${what} with the package manager of this system`;
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return installCommandFor(what, readFileSync(path, 'utf8'), isRoot) ?? unknown;
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
