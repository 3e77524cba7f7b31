/** Socket diagnosis over netlink: <linux/netlink.h>, <linux/sock_diag.h>, <linux/inet_diag.h>; sock_diag(7). */

export const AF_NETLINK = 16;
export const NETLINK_SOCK_DIAG = 4;
export const SOCK_DIAG_BY_FAMILY = 20;

export const addressFamily = { inet: 2, inet6: 10 } as const;
export const IPPROTO_TCP = 6;

/** NLM_F_REQUEST, NLM_F_ROOT | NLM_F_MATCH: all that fit. */
export const requestFlags = { request: 1, dump: 0x300 } as const;
/** NLMSG_ERROR, NLMSG_DONE. */
export const messageType = { error: 2, done: 3 } as const;

/** struct nlmsghdr. */
export const messageHeader = { length: 0, type: 4, flags: 6, size: 16 } as const;
/** int, behind the header of NLMSG_ERROR and NLMSG_DONE: a negative errno, or 0. */
export const errorSize = 4;

/** struct inet_diag_req_v2. */
export const requestLayout = { family: 0, protocol: 1, states: 4, size: 56 } as const;

/** struct inet_diag_msg, its inet_diag_sockid included. */
export const diagLayout = {
  family: 0,
  state: 1,
  timer: 2,
  localPort: 4,
  remotePort: 6,
  local: 8,
  remote: 24,
  expires: 52,
  size: 72,
} as const;
/** idiag_timer of a socket in TIME_WAIT: inet_twsk_diag_fill() in net/ipv4/inet_diag.c. */
export const timeWaitTimer = 3;

/** struct nlattr. */
export const attribute = { length: 0, type: 2, size: 4 } as const;
export const INET_DIAG_REQ_BYTECODE = 1;

/** struct inet_diag_bc_op: jumps are counted from its start. */
export const operation = { code: 0, yes: 1, no: 2, size: 4 } as const;
/** INET_DIAG_BC_JMP, INET_DIAG_BC_S_COND. */
export const operationCode = { jump: 1, sourceCondition: 7 } as const;
/** struct inet_diag_hostcond. */
export const condition = { family: 0, prefix: 1, port: 4, address: 8 } as const;
/** In inet_diag_hostcond. */
export const anyPort = -1;
