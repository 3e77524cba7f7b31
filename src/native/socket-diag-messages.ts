/** Requests to the kernel's socket diagnosis, and what it answers: bytes only. */
import { LbcapError } from '../errors.js';
import type { Endpoint } from '../labels/label.js';
import { SystemCallError } from './errno.js';
import {
  addressFamily,
  anyPort,
  attribute,
  condition,
  diagLayout,
  errorSize,
  INET_DIAG_REQ_BYTECODE,
  IPPROTO_TCP,
  messageHeader,
  messageType,
  operation,
  operationCode,
  requestFlags,
  requestLayout,
  SOCK_DIAG_BY_FAMILY,
  timeWaitTimer,
} from './socket-diag-layouts.js';
import { unmapSocket, type SocketVisitor, type TcpSocket } from './tcp-socket.js';

export type DiagFamily = keyof typeof addressFamily;

/** Each costs the kernel a comparison for each socket; of more, it sends all and we choose. */
const mostConditions = 64;

/**
 * Asks for the TCP sockets of a family.
 *
 * @param states bit n for state n of include/net/tcp_states.h
 * @param blocks only sockets whose local address is in one of them (IPv4 blocks match IPv4-mapped
 *   addresses too); `null`, or too many of them: all sockets
 * @returns `null` when no socket of the family can be in a block
 */
export function diagRequest(
  family: DiagFamily,
  states: number,
  blocks: readonly Endpoint[] | null,
): Buffer | null {
  const fitting = blocks?.filter((block) => family === 'inet6' || block.family === 4) ?? null;
  if (fitting?.length === 0) return null;
  const filter =
    fitting === null || fitting.length > mostConditions
      ? Buffer.alloc(0)
      : bytecodeAttribute(fitting);
  const head = Buffer.alloc(messageHeader.size + requestLayout.size);
  head.writeUInt32LE(head.length + filter.length, messageHeader.length);
  head.writeUInt16LE(SOCK_DIAG_BY_FAMILY, messageHeader.type);
  head.writeUInt16LE(requestFlags.request | requestFlags.dump, messageHeader.flags);
  head[messageHeader.size + requestLayout.family] = addressFamily[family];
  head[messageHeader.size + requestLayout.protocol] = IPPROTO_TCP;
  head.writeUInt32LE(states >>> 0, messageHeader.size + requestLayout.states);
  return Buffer.concat([head, filter]);
}

function bytecodeAttribute(blocks: readonly Endpoint[]): Buffer {
  const code = sourceFilter(blocks);
  const head = Buffer.alloc(attribute.size);
  head.writeUInt16LE(attribute.size + code.length, attribute.length);
  head.writeUInt16LE(INET_DIAG_REQ_BYTECODE, attribute.type);
  return Buffer.concat([head, code]);
}

/**
 * inet_diag bytecode: the local address is in one of the blocks. Running to the very end accepts,
 * jumping 4 bytes beyond it rejects (inet_diag_bc_run() in net/ipv4/inet_diag.c). Each condition
 * but the last is followed by a jump to the end, which it steps over where it does not hold.
 */
export function sourceFilter(blocks: readonly Endpoint[]): Buffer {
  const lengthOf = ({ address }: Endpoint) =>
    operation.size + condition.address + address.length + operation.size;
  // The last needs no jump behind it: the end is there.
  let left = blocks.reduce((sum, block) => sum + lengthOf(block), -operation.size);
  return Buffer.concat(
    blocks.map((block, index) => {
      const last = index === blocks.length - 1;
      const bytes = Buffer.alloc(lengthOf(block) - (last ? operation.size : 0));
      const test = lengthOf(block) - operation.size;
      bytes[operation.code] = operationCode.sourceCondition;
      bytes[operation.yes] = test;
      bytes.writeUInt16LE(test + operation.size, operation.no);
      bytes[operation.size + condition.family] =
        addressFamily[block.family === 4 ? 'inet' : 'inet6'];
      bytes[operation.size + condition.prefix] = block.prefix;
      bytes.writeInt32LE(anyPort, operation.size + condition.port);
      bytes.set(block.address, operation.size + condition.address);
      if (!last) {
        bytes[test + operation.code] = operationCode.jump;
        bytes[test + operation.yes] = operation.size;
        bytes.writeUInt16LE(left - test, test + operation.no);
      }
      left -= bytes.length;
      return bytes;
    }),
  );
}

/**
 * Reads one answer, which holds whole messages.
 *
 * @param socket is filled in for each of them; its view must be that of the answer
 * @param length bytes of the answer
 * @returns true when it was the last
 * @throws SystemCallError with the kernel's errno, LbcapError `INPUT_DAMAGED`
 */
export function readDiagAnswer(socket: TcpSocket, length: number, visit: SocketVisitor): boolean {
  const { view } = socket;
  for (let at = 0; at < length;) {
    if (length - at < messageHeader.size) throw damaged(at, 'ends within a header');
    const size = view.getUint32(at + messageHeader.length, true);
    const type = view.getUint16(at + messageHeader.type, true);
    if (size < messageHeader.size || size > length - at) {
      throw damaged(at, `has a message of ${size} bytes where ${length - at} are left`);
    }
    if (type === messageType.done || type === messageType.error) {
      throwIfFailed(view, at, size);
      if (type === messageType.done) return true;
    } else if (type === SOCK_DIAG_BY_FAMILY) {
      if (size < messageHeader.size + diagLayout.size) {
        throw damaged(at, `has a socket in ${size} bytes`);
      }
      if (fill(socket, at + messageHeader.size)) visit(socket);
    }
    // NLMSG_ALIGN: to the next multiple of 4.
    at += (size + 3) & ~3;
  }
  return false;
}

function throwIfFailed(view: DataView, at: number, size: number): void {
  if (size < messageHeader.size + errorSize) throw damaged(at, 'has an end without a number');
  const error = view.getInt32(at + messageHeader.size, true);
  if (error < 0) throw new SystemCallError('sock_diag', -error);
}

/** False for a family that is not of the Internet. */
function fill(socket: TcpSocket, at: number): boolean {
  const { view } = socket;
  const family = view.getUint8(at + diagLayout.family);
  if (family !== addressFamily.inet && family !== addressFamily.inet6) return false;
  socket.family = family === addressFamily.inet ? 4 : 6;
  socket.state = view.getUint8(at + diagLayout.state);
  socket.localPort = view.getUint16(at + diagLayout.localPort);
  socket.remotePort = view.getUint16(at + diagLayout.remotePort);
  socket.local = at + diagLayout.local;
  socket.remote = at + diagLayout.remote;
  const waits = view.getUint8(at + diagLayout.timer) === timeWaitTimer;
  socket.expires = waits ? view.getUint32(at + diagLayout.expires, true) : 0;
  if (socket.family === 6) unmapSocket(socket);
  return true;
}

function damaged(at: number, what: string): LbcapError {
  return new LbcapError('INPUT_DAMAGED', `the kernel's answer ${what} (byte ${at})`);
}
