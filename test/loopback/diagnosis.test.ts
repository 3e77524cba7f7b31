/** Every finding of `lbcap doctor`, from facts that are made up: one thing wrong at a time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabel } from '../../src/labels/parse.js';
import { diagnose, type Finding } from '../../src/loopback/diagnosis.js';
import type { BindFact, Facts } from '../../src/loopback/facts.js';
import { parseCapabilities, parsePortRange, parseProxy } from '../../src/loopback/system-facts.js';

const labels = [parseLabel('a', ['127.0.0.2']), parseLabel('b', ['fd00::2'])];
const bound = (label: number, failure: BindFact['failure'] = null): BindFact => ({
  label: labels[label].name,
  endpoint: labels[label].endpoints[0],
  failure,
});

/** A user's machine on which nothing is wrong. */
const well: Facts = {
  platform: 'linux',
  root: false,
  libpcap: { version: 'libpcap version 1.10.3' },
  captureRefusal: null,
  dumpcap: { state: 'there' },
  nodeCapabilities: [],
  bpfDevice: null,
  interface: { name: 'lo', exists: true, up: true },
  binds: [bound(0), bound(1)],
  ipv6: true,
  cgroup2: '/sys/fs/cgroup',
  bpfRefusal: null,
  seccompRefusal: null,
  wireshark: {
    wireshark: true,
    tshark: true,
    version: '4.0.17',
    installCommand: 'apt-get install tshark',
  },
  extcap: '/home/u/.config/wireshark/extcap/lbcap',
  ports: { first: 32_768, last: 60_999 },
  files: 1_048_576,
  proxies: [],
};

test('all is well: every finding is ok and none has a command', () => {
  for (const finding of diagnose(well, labels)) {
    assert.equal(finding.state, 'ok', finding.check);
    assert.equal(finding.command, null);
  }
});

const refused = { captureRefusal: 'socket: Operation not permitted' };
const cases: readonly (readonly [
  change: Partial<Facts>,
  check: string,
  state: Finding['state'],
  text: RegExp,
  command: string | null,
])[] = [
  [
    { libpcap: { problem: 'not installed', command: 'apt-get install -y libpcap0.8' }, ...refused },
    ...(['libpcap', 'missing', /not installed/, 'apt-get install -y libpcap0.8'] as const),
  ],
  [
    refused,
    'capture',
    'missing',
    /no right to capture on lo/,
    'sudo env "PATH=$PATH" lbcap watch …',
  ],
  [
    { ...refused, root: true },
    ...(['capture', 'missing', /container/, 'docker run --cap-add=NET_RAW …'] as const),
  ],
  [
    { ...refused, dumpcap: { state: 'works' } },
    ...(['capture', 'ok', /through dumpcap, which lbcap takes by itself/, null] as const),
  ],
  [{ dumpcap: { state: 'absent' } }, 'dumpcap', 'note', /not installed/, 'apt-get install tshark'],
  [
    { dumpcap: { state: 'forbidden', group: 'sniffers' } },
    ...([
      'dumpcap',
      'note',
      /members of group sniffers/,
      'sudo usermod -aG sniffers "$USER"',
    ] as const),
  ],
  [
    { dumpcap: { state: 'refused', words: 'no' } },
    ...(['dumpcap', 'note', /\(no\)/, 'sudo dpkg-reconfigure wireshark-common'] as const),
  ],
  [
    { bpfDevice: false, platform: 'darwin' },
    'ChmodBPF',
    'note',
    /access_bpf/,
    'sudo dseditgroup -o edit -a "$USER" -t user access_bpf',
  ],
  [
    { nodeCapabilities: ['cap_net_raw'] },
    'capabilities',
    'note',
    /cap_net_raw: every script/,
    'sudo setcap -r "$(readlink -f "$(command -v node)")"',
  ],
  [
    { interface: { name: 'lo', exists: true, up: false } },
    ...(['interface', 'missing', /down/, 'sudo ip link set lo up'] as const),
  ],
  [
    { interface: { name: 'lo0', exists: true, up: false }, platform: 'freebsd' },
    ...(['interface', 'missing', /down/, 'sudo ifconfig lo0 up'] as const),
  ],
  [
    { interface: { name: 'nope', exists: false, up: false }, ...refused },
    ...(['interface', 'missing', /no nope/, null] as const),
  ],
  [
    { binds: [bound(0), bound(1, { address: 'fd00::2', code: 'EADDRNOTAVAIL' })] },
    'label b',
    'missing',
    /fd00::2 cannot be bound/,
    'sudo env "PATH=$PATH" lbcap alias add fd00::2',
  ],
  [
    { binds: [bound(1, { address: 'fd00::2', code: 'EADDRNOTAVAIL' })], ipv6: false },
    'label b',
    'missing',
    /IPv6 is switched off/,
    'sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0',
  ],
  [
    { ipv6: false },
    ...(['IPv6', 'note', /no ::1/, 'sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0'] as const),
  ],
  [{ cgroup2: null }, 'cgroup2', 'note', /not mounted/, null],
  [{ bpfRefusal: 'EPERM' }, 'BPF', 'note', /needs root/, 'sudo env "PATH=$PATH" lbcap run …'],
  [{ bpfRefusal: 'ENOSYS', root: true }, 'BPF', 'note', /5\.8/, null],
  [{ seccompRefusal: 'EINVAL' }, 'seccomp', 'note', /5\.0/, null],
  [
    { wireshark: { ...well.wireshark, wireshark: false, tshark: false, version: null } },
    ...(['Wireshark', 'note', /not installed/, 'apt-get install tshark'] as const),
  ],
  [{ extcap: null }, 'extcap', 'note', /not among/, null],
  [
    { ports: { first: 50_000, last: 50_999 } },
    'ports',
    'note',
    /1,000 connections/,
    'sudo sysctl -w net.ipv4.ip_local_port_range="32768 60999"',
  ],
  [{ ports: null }, 'ports', 'note', /not known/, null],
  [{ files: 20 }, 'files', 'missing', /66 are needed/, 'ulimit -n 66'],
  [{ files: Infinity }, 'files', 'ok', /no limit/, null],
  [
    { proxies: [{ host: '127.0.0.1', port: 9092 }] },
    'docker-proxy',
    'note',
    /127\.0\.0\.1:9092 .* sees Docker's address/,
    'docker run --network host …',
  ],
];

for (const [change, check, state, text, command] of cases) {
  test(`${check}: ${JSON.stringify(change)}`, () => {
    const found = diagnose({ ...well, ...change }, labels).filter((entry) => entry.check === check);
    assert.equal(found.length, 1);
    assert.deepEqual([found[0].state, found[0].command], [state, command]);
    assert.match(found[0].text, text);
  });
}

test('of many labels only those that are not in order have a line', () => {
  const many = Array.from({ length: 100 }, (_, i) => parseLabel(`l${i}`, [`127.1.${i}.1`]));
  const binds = many.map(({ name, endpoints }, i) => ({
    label: name,
    endpoint: endpoints[0],
    failure: i === 50 ? { address: '127.1.50.1', code: 'EADDRNOTAVAIL' } : null,
  }));
  const lines = diagnose({ ...well, binds }, many).filter(({ check }) => /^label/.test(check));
  assert.deepEqual(
    lines.map(({ check, state }) => [check, state]),
    [
      ['label l50', 'missing'],
      ['labels', 'ok'],
    ],
  );
  assert.match(lines[1].text, /^99 of 100/);
});

test('facts are read from what the system writes', () => {
  assert.deepEqual(parsePortRange('32768\t60999\n'), { first: 32_768, last: 60_999 });
  assert.deepEqual(parsePortRange('49152\n65535\n'), { first: 49_152, last: 65_535 });
  for (const text of ['', '1', '60999 32768', '1 70000', 'a b'])
    assert.equal(parsePortRange(text), null);
  const status = (mask: string) => `Name:\tnode\nCapEff:\t${mask}\nCapBnd:\t000001ffffffffff\n`;
  assert.deepEqual(parseCapabilities(status('0000000000003000')), ['cap_net_admin', 'cap_net_raw']);
  assert.deepEqual(parseCapabilities(status('0000000000000000')), []);
  assert.deepEqual(parseCapabilities(''), []);
  const words =
    '/usr/bin/docker-proxy -proto tcp -host-ip 127.0.0.1 -host-port 9092 -container-ip 172.17.0.2';
  assert.deepEqual(parseProxy(words.split(' ')), { host: '127.0.0.1', port: 9092 });
  for (const text of ['', 'docker-proxy', 'grep docker-proxy -host-ip a -host-port 1'])
    assert.equal(parseProxy(text.split(' ')), null);
});
