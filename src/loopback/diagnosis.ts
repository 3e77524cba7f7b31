/** From facts to findings: each is in order, or has the one command that mends it. Pure. */
import { formatBlock } from '../labels/address.js';
import type { Label } from '../labels/label.js';
import type { BindFact, Facts } from './facts.js';

/** `missing` is what capturing the labels needs; `note` is good to know, and nothing depends on it. */
export type State = 'ok' | 'note' | 'missing';

export interface Finding {
  readonly check: string;
  readonly state: State;
  readonly text: string;
  /** What mends it; `null` when there is nothing to mend, or no command can. */
  readonly command: string | null;
}

/** At most so many labels have a file from the start, and a process has others open beside them. */
const filesOfLabels = 256;
const otherFiles = 64;

/** As many lines about labels as a person reads. */
const mostLines = 32;

/** Fewer ephemeral ports than this, and one address runs out under little load. */
const fewPorts = 10_000;

/** In the order of what a capture needs first. */
export function diagnose(facts: Facts, labels: readonly Label[]): Finding[] {
  return [
    libpcap(facts),
    capture(facts),
    dumpcap(facts),
    ...(facts.bpfDevice === null ? [] : [bpfDevice(facts.bpfDevice)]),
    capabilities(facts),
    networkInterface(facts),
    ...addresses(facts, labels),
    ipv6(facts),
    ...(facts.platform === 'linux' ? [cgroup2(facts), bpf(facts), seccomp(facts)] : []),
    wireshark(facts),
    extcap(facts),
    ports(facts),
    files(facts, labels.length),
    ...facts.proxies.map(({ host, port }) => proxy(host, port)),
  ];
}

function ok(check: string, text: string): Finding {
  return { check, state: 'ok', text, command: null };
}

function note(check: string, text: string, command: string | null = null): Finding {
  return { check, state: 'note', text, command };
}

function missing(check: string, text: string, command: string | null): Finding {
  return { check, state: 'missing', text, command };
}

function libpcap({ libpcap: found }: Facts): Finding {
  return 'version' in found
    ? ok('libpcap', found.version)
    : missing('libpcap', found.problem, found.command);
}

function capture(facts: Facts): Finding {
  const { captureRefusal, dumpcap: found, libpcap: library, root } = facts;
  const { name, up } = facts.interface;
  if (!up) return note('capture', `not tried: ${name} is not up`);
  if (captureRefusal === null) {
    return ok('capture', root ? `as root, on ${name}` : `on ${name}, without root`);
  }
  if (found.state === 'works') {
    return 'version' in library
      ? ok('capture', `through dumpcap, which lbcap takes by itself (${captureRefusal})`)
      : ok('capture', 'through dumpcap: --engine dumpcap');
  }
  if (!('version' in library)) return missing('capture', 'not without libpcap', library.command);
  const text = `no right to capture on ${name} (${captureRefusal})`;
  return root
    ? missing(
        'capture',
        `${text}: a container's root has it only when that was given`,
        'docker run --cap-add=NET_RAW …',
      )
    : missing('capture', text, 'sudo env "PATH=$PATH" lbcap watch …');
}

/** The way that Wireshark itself goes: a group that may run the one program that may capture. */
function dumpcap({ dumpcap: found, platform, wireshark: { installCommand } }: Facts): Finding {
  switch (found.state) {
    case 'works':
      return ok('dumpcap', 'captures for this user: --engine dumpcap');
    case 'there':
      return ok('dumpcap', 'installed');
    case 'absent':
      return note(
        'dumpcap',
        'not installed: with it a group can capture without root',
        installCommand,
      );
    case 'forbidden':
      return note(
        'dumpcap',
        `for the members of group ${found.group ?? 'wireshark'} only (log in again after joining)`,
        `sudo usermod -aG ${found.group ?? 'wireshark'} "$USER"`,
      );
    case 'refused':
      return note(
        'dumpcap',
        `installed without the right to capture (${found.words})`,
        platform === 'linux'
          ? installCommand.includes('apt-get')
            ? 'sudo dpkg-reconfigure wireshark-common'
            : 'sudo setcap cap_net_raw,cap_net_admin=eip "$(command -v dumpcap)"'
          : null,
      );
  }
}

function bpfDevice(readable: boolean): Finding {
  return readable
    ? ok('ChmodBPF', '/dev/bpf0 can be read')
    : note(
        'ChmodBPF',
        "/dev/bpf* cannot be read: Wireshark's ChmodBPF gives it to the group access_bpf",
        'sudo dseditgroup -o edit -a "$USER" -t user access_bpf',
      );
}

function capabilities({ nodeCapabilities }: Facts): Finding {
  return nodeCapabilities.length === 0
    ? ok('capabilities', 'node has none, as it should: with cap_net_raw every script could capture')
    : note(
        'capabilities',
        `node has ${nodeCapabilities.join(' and ')}: every script that it runs may capture and forge packets`,
        'sudo setcap -r "$(readlink -f "$(command -v node)")"',
      );
}

function networkInterface({ interface: { name, exists, up }, platform }: Facts): Finding {
  if (!exists) return missing('interface', `there is no ${name}`, null);
  if (up) return ok('interface', `${name} is up`);
  const command = platform === 'linux' ? `ip link set ${name} up` : `ifconfig ${name} up`;
  return missing('interface', `${name} is down`, `sudo ${command}`);
}

/** A finding for each block, or, of many, for those that are not in order and one for the rest. */
function addresses(facts: Facts, labels: readonly Label[]): Finding[] {
  const { binds } = facts;
  const blocks = labels.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  if (blocks <= mostLines) return binds.map((bind) => address(bind, facts));
  const failures = binds.filter(({ failure }) => failure !== null);
  const untried = blocks - binds.length;
  return [
    ...failures.slice(0, mostLines).map((bind) => address(bind, facts)),
    ok(
      'labels',
      `${binds.length - failures.length} of ${blocks} address blocks can be bound${untried === 0 ? '' : `, ${untried} were not tried`}`,
    ),
  ];
}

function address({ label, endpoint, failure }: BindFact, { platform, ipv6: has6 }: Facts): Finding {
  const check = `label ${label}`;
  const block = formatBlock(endpoint);
  if (failure === null) return ok(check, `${block} can be bound`);
  if (endpoint.family === 6 && !has6 && platform === 'linux') {
    return missing(
      check,
      `${failure.address} cannot be bound (${failure.code}): IPv6 is switched off on lo`,
      'sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0',
    );
  }
  return missing(
    check,
    `${failure.address} cannot be bound (${failure.code})`,
    failure.code === 'EADDRNOTAVAIL' ? `sudo env "PATH=$PATH" lbcap alias add ${block}` : null,
  );
}

function ipv6({ ipv6: has, platform }: Facts): Finding {
  return has
    ? ok('IPv6', '::1 is there')
    : note(
        'IPv6',
        'there is no ::1, so that labels by port on it see nothing',
        platform === 'linux' ? 'sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0' : null,
      );
}

function cgroup2({ cgroup2: place }: Facts): Finding {
  return place === null
    ? note('cgroup2', 'not mounted: as root, run mounts one of its own')
    : ok('cgroup2', place);
}

function bpf({ bpfRefusal, root }: Facts): Finding {
  if (bpfRefusal === null) return ok('BPF', 'run binds by a program on a cgroup');
  return root
    ? note('BPF', `refused (${bpfRefusal}): run takes seccomp; Linux 5.8 and CAP_BPF are needed`)
    : note(
        'BPF',
        `needs root (${bpfRefusal}): run takes seccomp`,
        'sudo env "PATH=$PATH" lbcap run …',
      );
}

function seccomp({ seccompRefusal, bpfRefusal }: Facts): Finding {
  if (seccompRefusal === null) return ok('seccomp', 'run binds without root by user notification');
  const text = `no user notification (${seccompRefusal}), which came with Linux 5.0`;
  return note('seccomp', bpfRefusal === null ? text : `${text}: run cannot bind anything here`);
}

function wireshark({
  wireshark: { wireshark: window, tshark, version, installCommand },
}: Facts): Finding {
  if (!window && !tshark) return note('Wireshark', 'not installed', installCommand);
  const programs = [...(window ? ['wireshark'] : []), ...(tshark ? ['tshark'] : [])].join(' and ');
  return ok('Wireshark', `${programs}${version === null ? '' : ` ${version}`}`);
}

function extcap({ extcap: place }: Facts): Finding {
  return place === null
    ? note('extcap', 'lbcap is not among the interfaces that Wireshark offers')
    : ok('extcap', place);
}

function ports({ ports: range, platform }: Facts): Finding {
  if (range === null) return note('ports', 'the ephemeral port range is not known');
  const count = range.last - range.first + 1;
  const text = `${range.first} to ${range.last}: ${count.toLocaleString('en')} connections from one address to one server`;
  return count >= fewPorts
    ? ok('ports', text)
    : note(
        'ports',
        text,
        platform === 'linux' ? 'sudo sysctl -w net.ipv4.ip_local_port_range="32768 60999"' : null,
      );
}

function files({ files: most }: Facts, labels: number): Finding {
  if (most === null) return note('files', 'the limit of open files is not known');
  const needed = Math.min(labels, filesOfLabels) + otherFiles;
  const text =
    most === Infinity ? 'no limit of open files' : `${most.toLocaleString('en')} open files`;
  return most >= needed
    ? ok('files', text)
    : missing('files', `${text}, and ${needed} are needed`, `ulimit -n ${needed}`);
}

function proxy(host: string, port: number): Finding {
  return note(
    'docker-proxy',
    `${host}:${port} leads through docker-proxy: the container sees Docker's address, not the label's`,
    'docker run --network host …',
  );
}
