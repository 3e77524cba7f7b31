/** Numbers and offsets of the kernel, against a C compiler and the kernel's own headers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { context, helpers, socket } from '../../src/binding/fragments.js';
import {
  blockLayout,
  frameLayout,
  frameStatus,
  packetOutgoing,
} from '../../src/formats/tpacket.js';
import {
  arrayMap,
  attachType,
  bpfCommand,
  linkCreateLayout,
  mapCreateLayout,
  mapLookupLayout,
  programLoadLayout,
  socketAddressProgram,
} from '../../src/native/bpf-layouts.js';
import { callFilter } from '../../src/native/seccomp.js';
import { architectureOf } from '../../src/native/syscall-numbers.js';
import {
  addressFamily,
  AF_NETLINK,
  anyPort,
  attribute,
  condition,
  diagLayout,
  errorSize,
  INET_DIAG_REQ_BYTECODE,
  IPPROTO_TCP,
  messageHeader,
  messageType,
  NETLINK_SOCK_DIAG,
  operation,
  operationCode,
  requestFlags,
  requestLayout,
  SOCK_DIAG_BY_FAMILY,
} from '../../src/native/socket-diag-layouts.js';
import { tcpStateNumber, tcpStates } from '../../src/native/tcp-socket.js';
import { lacking } from '../requirements.js';

const skip = lacking('gcc');

/** What a C compiler makes of expressions. */
function compiled(
  includes: readonly string[],
  expressions: readonly string[],
  ...options: string[]
): bigint[] {
  const marks = expressions.map((expression) => `lbcap_mark (${expression})`);
  // Constants only, so that headers of another architecture can be read as well.
  const source = [
    ...includes.map((name) => `#include <${name}>`),
    '#include <stddef.h>',
    `const unsigned long long values[] = { ${expressions.map((text) => `(${text})`).join(', ')} };`,
    '#include <stdio.h>',
    `int main(void) { for (int i = 0; i < ${marks.length}; i++) printf("%llu\\n", values[i]); return 0; }`,
  ].join('\n');
  const program = `/tmp/lbcap-headers-${process.pid}`;
  try {
    execFileSync('gcc', ['-x', 'c', '-w', ...options, '-o', program, '-'], { input: source });
    return execFileSync(program, { encoding: 'utf8' }).trim().split('\n').map(BigInt);
  } finally {
    execFileSync('rm', ['-f', program]);
  }
}

function same(found: readonly (readonly [string, number])[], ...includes: string[]): void {
  const values = compiled(
    includes,
    found.map(([expression]) => expression),
  );
  for (const [index, [expression, value]] of found.entries()) {
    assert.equal(BigInt(value >>> 0), values[index] & 0xffff_ffffn, expression);
  }
}

test('packet_mmap: blocks and frames of TPACKET_V3', { skip }, () => {
  const block = (name: string) =>
    `offsetof(struct tpacket_block_desc, hdr) + offsetof(struct tpacket_hdr_v1, ${name})`;
  const frame = (name: string) => `offsetof(struct tpacket3_hdr, ${name})`;
  same(
    [
      ['offsetof(struct tpacket_block_desc, version)', blockLayout.version],
      [block('block_status'), blockLayout.status],
      [block('num_pkts'), blockLayout.packets],
      [block('offset_to_first_pkt'), blockLayout.firstFrame],
      [block('blk_len'), blockLayout.length],
      [block('seq_num'), blockLayout.sequence],
      ['sizeof(struct tpacket_block_desc)', blockLayout.size],
      [frame('tp_next_offset'), frameLayout.next],
      [frame('tp_sec'), frameLayout.seconds],
      [frame('tp_nsec'), frameLayout.nanoseconds],
      [frame('tp_snaplen'), frameLayout.captured],
      [frame('tp_len'), frameLayout.original],
      [frame('tp_status'), frameLayout.status],
      [frame('tp_mac'), frameLayout.mac],
      [frame('hv1.tp_vlan_tci'), frameLayout.vlanTag],
      [frame('hv1.tp_vlan_tpid'), frameLayout.vlanProtocol],
      ['sizeof(struct tpacket3_hdr)', frameLayout.size],
      [
        'TPACKET_ALIGN(sizeof(struct tpacket3_hdr)) + offsetof(struct sockaddr_ll, sll_pkttype)',
        frameLayout.packetType,
      ],
      ['PACKET_OUTGOING', packetOutgoing],
      ['TP_STATUS_USER', frameStatus.user],
      ['TP_STATUS_VLAN_VALID', frameStatus.vlan],
      ['TP_STATUS_VLAN_TPID_VALID', frameStatus.vlanProtocol],
    ],
    'linux/if_packet.h',
  );
});

test('bpf(2)', { skip }, () => {
  const field = (name: string) => `offsetof(union bpf_attr, ${name})`;
  same(
    [
      ['BPF_MAP_CREATE', bpfCommand.mapCreate],
      ['BPF_MAP_LOOKUP_ELEM', bpfCommand.mapLookup],
      ['BPF_PROG_LOAD', bpfCommand.programLoad],
      ['BPF_PROG_GET_NEXT_ID', bpfCommand.programNextId],
      ['BPF_MAP_GET_NEXT_ID', bpfCommand.mapNextId],
      ['BPF_LINK_CREATE', bpfCommand.linkCreate],
      ['BPF_LINK_GET_NEXT_ID', bpfCommand.linkNextId],
      ['BPF_MAP_TYPE_ARRAY', arrayMap],
      ['BPF_PROG_TYPE_CGROUP_SOCK_ADDR', socketAddressProgram],
      ['BPF_CGROUP_INET4_BIND', attachType.bind4],
      ['BPF_CGROUP_INET6_BIND', attachType.bind6],
      ['BPF_CGROUP_INET4_CONNECT', attachType.connect4],
      ['BPF_CGROUP_INET6_CONNECT', attachType.connect6],
      ['BPF_CGROUP_UDP4_SENDMSG', attachType.sendmsg4],
      ['BPF_CGROUP_UDP6_SENDMSG', attachType.sendmsg6],
      [field('map_type'), mapCreateLayout.type],
      [field('key_size'), mapCreateLayout.keySize],
      [field('value_size'), mapCreateLayout.valueSize],
      [field('max_entries'), mapCreateLayout.maxEntries],
      [field('map_name'), mapCreateLayout.name],
      [field('map_fd'), mapLookupLayout.map],
      [field('key'), mapLookupLayout.key],
      [field('value'), mapLookupLayout.value],
      [field('insn_cnt'), programLoadLayout.instructionCount],
      [field('insns'), programLoadLayout.instructions],
      [field('license'), programLoadLayout.license],
      [field('log_level'), programLoadLayout.logLevel],
      [field('log_size'), programLoadLayout.logSize],
      [field('log_buf'), programLoadLayout.logBuffer],
      [field('prog_name'), programLoadLayout.name],
      [field('expected_attach_type'), programLoadLayout.expectedAttachType],
      [field('link_create.prog_fd'), linkCreateLayout.program],
      [field('link_create.target_fd'), linkCreateLayout.target],
      [field('link_create.attach_type'), linkCreateLayout.attachType],
      [field('link_create.flags'), linkCreateLayout.flags],
    ],
    'linux/bpf.h',
  );
});

test('what the programs see', { skip }, () => {
  const field = (name: string) => `offsetof(struct bpf_sock_addr, ${name})`;
  same(
    [
      [field('user_ip4'), context.userIp4],
      ...context.userIp6.map((at, part) => [field(`user_ip6[${part}]`), at] as const),
      [field('user_port'), context.userPort],
      [field('type'), context.type],
      [field('msg_src_ip4'), context.messageSourceIp4],
      ...context.messageSourceIp6.map((at, part) => [field(`msg_src_ip6[${part}]`), at] as const),
      [field('sk'), context.socket],
      ['offsetof(struct bpf_sock, src_ip4)', socket.sourceIp4],
      ...socket.sourceIp6.map(
        (at, part) => [`offsetof(struct bpf_sock, src_ip6[${part}])`, at] as const,
      ),
      ['BPF_FUNC_get_current_pid_tgid', helpers.currentProcess],
      ['BPF_FUNC_probe_read_kernel', helpers.readKernel],
      ['BPF_FUNC_bind', helpers.bind],
    ],
    'linux/bpf.h',
  );
});

test('socket diagnosis over netlink', { skip }, () => {
  const field = (structure: string, name: string) => `offsetof(struct ${structure}, ${name})`;
  same(
    [
      ['AF_NETLINK', AF_NETLINK],
      ['AF_INET', addressFamily.inet],
      ['AF_INET6', addressFamily.inet6],
      ['IPPROTO_TCP', IPPROTO_TCP],
      ['NETLINK_SOCK_DIAG', NETLINK_SOCK_DIAG],
      ['SOCK_DIAG_BY_FAMILY', SOCK_DIAG_BY_FAMILY],
      ['NLM_F_REQUEST', requestFlags.request],
      ['NLM_F_DUMP', requestFlags.dump],
      ['NLMSG_ERROR', messageType.error],
      ['NLMSG_DONE', messageType.done],
      ['sizeof(struct nlmsghdr)', messageHeader.size],
      [field('nlmsghdr', 'nlmsg_len'), messageHeader.length],
      [field('nlmsghdr', 'nlmsg_type'), messageHeader.type],
      [field('nlmsghdr', 'nlmsg_flags'), messageHeader.flags],
      ['sizeof(((struct nlmsgerr *)0)->error)', errorSize],
      ['sizeof(struct inet_diag_req_v2)', requestLayout.size],
      [field('inet_diag_req_v2', 'sdiag_family'), requestLayout.family],
      [field('inet_diag_req_v2', 'sdiag_protocol'), requestLayout.protocol],
      [field('inet_diag_req_v2', 'idiag_states'), requestLayout.states],
      ['sizeof(struct inet_diag_msg)', diagLayout.size],
      [field('inet_diag_msg', 'idiag_family'), diagLayout.family],
      [field('inet_diag_msg', 'idiag_state'), diagLayout.state],
      [field('inet_diag_msg', 'idiag_timer'), diagLayout.timer],
      [field('inet_diag_msg', 'id.idiag_sport'), diagLayout.localPort],
      [field('inet_diag_msg', 'id.idiag_dport'), diagLayout.remotePort],
      [field('inet_diag_msg', 'id.idiag_src'), diagLayout.local],
      [field('inet_diag_msg', 'id.idiag_dst'), diagLayout.remote],
      [field('inet_diag_msg', 'idiag_expires'), diagLayout.expires],
      ['sizeof(struct nlattr)', attribute.size],
      [field('nlattr', 'nla_len'), attribute.length],
      [field('nlattr', 'nla_type'), attribute.type],
      ['INET_DIAG_REQ_BYTECODE', INET_DIAG_REQ_BYTECODE],
      ['sizeof(struct inet_diag_bc_op)', operation.size],
      [field('inet_diag_bc_op', 'code'), operation.code],
      [field('inet_diag_bc_op', 'yes'), operation.yes],
      [field('inet_diag_bc_op', 'no'), operation.no],
      ['INET_DIAG_BC_JMP', operationCode.jump],
      ['INET_DIAG_BC_S_COND', operationCode.sourceCondition],
      [field('inet_diag_hostcond', 'family'), condition.family],
      [field('inet_diag_hostcond', 'prefix_len'), condition.prefix],
      [field('inet_diag_hostcond', 'port'), condition.port],
      [field('inet_diag_hostcond', 'addr'), condition.address],
      ['-1', anyPort],
    ],
    'sys/socket.h',
    'netinet/in.h',
    'linux/netlink.h',
    'linux/sock_diag.h',
    'linux/inet_diag.h',
  );
});

test('states of TCP', { skip }, () => {
  // Those that programs may know; include/net/tcp_states.h has the kernel's own besides.
  const known = tcpStates.slice(1, tcpStateNumber('CLOSING') + 1);
  same(
    known.map((name) => [`TCP_${name}`, tcpStateNumber(name)] as const),
    'netinet/tcp.h',
  );
});

test(
  'numbers of system calls on x86-64',
  { skip: skip || (process.arch !== 'x64' && 'not x86-64') },
  () => {
    const { numbers, audit, asked } = architectureOf('x64');
    const known = Object.entries({ ...numbers, ...asked });
    same(
      [
        ...known.map(([name, number]) => [`__NR_${name}`, number] as const),
        ['AUDIT_ARCH_X86_64', audit],
      ],
      'sys/syscall.h',
      'linux/audit.h',
    );
  },
);

test('numbers of system calls on arm64', { skip }, () => {
  const { numbers, audit, asked } = architectureOf('arm64');
  const known = Object.entries({ ...numbers, ...asked });
  // arm64 has the generic numbers.
  same(
    [
      ...known.map(([name, number]) => [`__NR_${name}`, number] as const),
      ['AUDIT_ARCH_AARCH64', audit],
    ],
    'asm-generic/unistd.h',
    'linux/audit.h',
  );
});

test('an unknown architecture is refused by name', () => {
  assert.throws(() => architectureOf('sparc'), /sparc.*x64 and arm64/);
  assert.throws(() => architectureOf('constructor'), /constructor/);
});

/** Runs the filter as the kernel does: classic BPF over struct seccomp_data. */
function verdict(filter: Buffer, number: number, audit: number, fifth = 0n): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(audit, 4);
  data.writeBigUInt64LE(fifth, 16 + 8 * 4);
  let accumulator = 0;
  for (let at = 0; ; at += 1) {
    const code = filter.readUInt16LE(8 * at);
    const value = filter.readUInt32LE(8 * at + 4);
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else if (code === 0x15) at += filter[8 * at + (accumulator === value ? 2 : 3)];
    else if (code === 0x06) return value;
    else throw new Error(`instruction ${code}`);
  }
}

const [ask, allow] = [0x7fc0_0000, 0x7fff_0000];

for (const name of ['x64', 'arm64'] as const) {
  test(`the seccomp filter asks about its calls of ${name} only`, () => {
    const architecture = architectureOf(name);
    const { audit, asked } = architecture;
    const filter = callFilter(architecture, ['connect', 'bind', 'sendto']);
    assert.equal(verdict(filter, asked.connect, audit), ask);
    assert.equal(verdict(filter, asked.bind, audit), ask);
    const others = [...Array(600).keys()].filter((n) => !Object.values(asked).includes(n));
    for (const number of others) assert.equal(verdict(filter, number, audit), allow, `${number}`);
    // The numbers mean something else on i386.
    assert.equal(verdict(filter, asked.connect, 0x4000_0003), allow);
    const fewer = callFilter(architecture, ['connect', 'sendto']);
    assert.equal(verdict(fewer, asked.bind, audit), allow);
  });

  test(`sendto(2) of ${name} is asked about with a destination only`, () => {
    const architecture = architectureOf(name);
    const { audit, asked } = architecture;
    const filter = callFilter(architecture, ['connect', 'sendto']);
    assert.equal(verdict(filter, asked.sendto, audit), allow);
    // Either half of an address can be zero.
    for (const address of [1n, 0x7fff_0000_0000n, 0x7fff_1234_5678n, 0xffff_ffffn]) {
      assert.equal(verdict(filter, asked.sendto, audit, address), ask);
    }
    assert.equal(verdict(callFilter(architecture, ['connect']), asked.sendto, audit, 1n), allow);
  });
}
