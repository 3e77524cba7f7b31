/** One TCP socket, as the kernel's tables have it, whichever way they are read. */

/** enum in include/net/tcp_states.h, the names without TCP_; 12 and 13 since 4.1 and 6.8. */
export const tcpStates = [
  'NONE',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
  'BOUND_INACTIVE',
] as const;

export type TcpState = (typeof tcpStates)[number];

export function tcpStateNumber(name: TcpState): number {
  return tcpStates.indexOf(name);
}

/**
 * A socket while it is being visited: there is one such object, and the next socket replaces what
 * it says. An IPv4-mapped socket is an IPv4 one.
 */
export interface TcpSocket {
  family: 4 | 6;
  /** Index in `tcpStates`. */
  state: number;
  localPort: number;
  /** 0 where there is no peer. */
  remotePort: number;
  /** Holds both addresses, 4 or 16 bytes each, in network order. */
  view: DataView;
  /** Offset of the local address. */
  local: number;
  remote: number;
  /** In TIME_WAIT: milliseconds until that ends. Else 0. */
  expires: number;
}

export type SocketVisitor = (socket: TcpSocket) => void;

/** One to be filled in. */
export function blankSocket(view: DataView): TcpSocket {
  return {
    family: 4,
    state: 0,
    localPort: 0,
    remotePort: 0,
    view,
    local: 0,
    remote: 0,
    expires: 0,
  };
}

const anyPrefix = 0xffff;

/** True for an address of `::ffff:0:0/96` (RFC 4291, 2.5.5.2), and for `::`. */
function readsAsIPv4(view: DataView, at: number): boolean {
  if (view.getInt32(at) !== 0 || view.getInt32(at + 4) !== 0) return false;
  const third = view.getInt32(at + 8);
  return third === anyPrefix || (third === 0 && view.getInt32(at + 12) === 0);
}

/**
 * An IPv6 socket that speaks IPv4 becomes an IPv4 one. A listener on `::` stays what it is: only
 * one of the two addresses may be unspecified.
 */
export function unmapSocket(socket: TcpSocket): void {
  const { view, local, remote } = socket;
  if (!readsAsIPv4(view, local) || !readsAsIPv4(view, remote)) return;
  if (view.getInt32(local + 8) !== anyPrefix && view.getInt32(remote + 8) !== anyPrefix) return;
  socket.family = 4;
  socket.local = local + 12;
  socket.remote = remote + 12;
}
