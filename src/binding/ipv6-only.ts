/** Pieces of the bind program for sockets that are for IPv6 alone (IPV6_V6ONLY), on [::]. */
import { extra } from './account-layout.js';
import { alu, aluRegister, call, jump, jumpIf, type Line, load, store, target } from './asm.js';
import { context, count, ctx, frame, helpers, loopback6Last, portAndProcess } from './fragments.js';
import type { Plan } from './plan.js';

/**
 * skc_ipv6only in struct sock_common (include/net/sock.h): the bit behind skc_reuse and
 * skc_reuseport, behind addresses, hash, ports, family and state. There since Linux 3.14.
 */
const flags = { at: 19, ipv6Only: 1 << 5 } as const;
/** Bytes of the socket that are read, and where to on the stack. */
const head = { size: flags.at + 1, copy: -56 } as const;

/** Jumps for a socket for IPv6 alone, as far as this kernel lets a program know. */
export function ifIpv6Only({ maps, features, server }: Plan, to: string): Line[] {
  switch (features.ipv6Only) {
    case 'asked':
      // Not bpf_skc_to_tcp6_sock: that knows no MPTCP, which a Go program's listeners may be.
      return [
        load(8, 3, ctx, context.socket),
        aluRegister('mov', 1, frame),
        alu('add', 1, head.copy),
        alu('mov', 2, head.size),
        call(helpers.readKernel),
        jumpIf(0, '!=', 0, 'unread'),
        load(1, 1, frame, head.copy + flags.at),
        alu('and', 1, flags.ipv6Only),
        jumpIf(1, '!=', 0, to),
        target('unread'),
      ];
    case 'guessed':
      // This process listens on the port over IPv4 already, so the kernel would not let it
      // otherwise. One that binds [::] first is not known.
      if (!server) return [];
      return [
        ...portAndProcess(maps),
        load(4, 1, 2, 0),
        aluRegister('sub', 1, 0),
        jumpIf(1, '==', 0, to),
      ];
    case 'unknown':
      return [];
  }
}

/**
 * For a label without an IPv6 address: copies of a server would meet on [::], and many end when they
 * may not listen there. So each listens on ::1 at a port of the kernel's choice, where nobody comes.
 */
export function putAside({ maps, server }: Plan): Line[] {
  return [
    load(4, 1, ctx, context.userPort),
    jumpIf(1, '==', 0, 'pass'),
    ...(server
      ? [
          ...count(maps, extra.listenAside * 8),
          alu('mov', 1, 0),
          store(4, ctx, context.userPort, 1),
          alu('mov', 1, loopback6Last),
          store(4, ctx, context.userIp6[3], 1),
          jump('served'),
        ]
      : [jump('pass')]),
  ];
}
