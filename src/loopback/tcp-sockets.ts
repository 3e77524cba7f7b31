/** This system's TCP sockets, by whichever way the kernel lets us see them. Linux only. */
import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import type { Endpoint } from '../labels/label.js';
import { openKernel } from '../native/kernel.js';
import { SocketDiagnosis } from '../native/socket-diag.js';
import { tcpStateNumber, type SocketVisitor, type TcpState } from '../native/tcp-socket.js';
import { platform } from './platform.js';
import { ProcNetTcpParser } from './proc-net-tcp.js';

export interface SocketTables {
  readonly name: 'netlink' | 'proc';
  /** Why it is not netlink. */
  readonly refusal: string | null;
  /**
   * Visits each socket once, one such call at a time.
   *
   * @param states only sockets in one of these; `null`: in any
   * @param blocks leaves out sockets that are not in these, where that saves time
   * @param signal ends it soon, with the signal's reason; nothing but `close` is of use then
   */
  visit(
    states: readonly TcpState[] | null,
    blocks: readonly Endpoint[] | null,
    visit: SocketVisitor,
    signal?: AbortSignal,
  ): Promise<void>;
  close(): void;
}

/** @throws LbcapError `PLATFORM_UNSUPPORTED` where this is not Linux, `INPUT_IO` without /proc */
export async function openSocketTables(): Promise<SocketTables> {
  if (platform() !== 'linux') {
    throw new LbcapError(
      'PLATFORM_UNSUPPORTED',
      'the ports in use are read on Linux only',
      'netstat -an -p tcp lists the connections here; --connections N works everywhere',
    );
  }
  try {
    return await openNetlinkTables();
  } catch (error) {
    // No koffi, a seccomp filter, a container whose host has not loaded tcp_diag.
    return openProcTables(messageOf(error));
  }
}

/** @throws LbcapError, SystemCallError where the kernel does not answer in this way */
export async function openNetlinkTables(): Promise<SocketTables> {
  const diagnosis = new SocketDiagnosis(await openKernel());
  try {
    // Whether it answers shows with the first question; listeners are few, in a table of their own.
    await diagnosis.visit(maskOf(['LISTEN']), null, () => undefined);
  } catch (error) {
    diagnosis.close();
    throw error;
  }
  return {
    name: 'netlink',
    refusal: null,
    visit: (states, blocks, visit, signal) =>
      diagnosis.visit(maskOf(states), blocks, visit, signal),
    close: () => {
      diagnosis.close();
    },
  };
}

/** The kernel's older tables, as text: several times as slow. */
export function openProcTables(refusal: string | null): SocketTables {
  return {
    name: 'proc',
    refusal,
    async visit(states, _blocks, visit, signal) {
      const mask = maskOf(states);
      const choose: SocketVisitor = (socket) => {
        if (((mask >>> socket.state) & 1) === 1) visit(socket);
      };
      for (const family of [4, 6] as const) await visitProcFile(family, choose, signal);
    },
    close: () => undefined,
  };
}

/** Sockets that are bound and no more (6.8) are looked for in another, larger table. */
const anyState = ~(1 << tcpStateNumber('BOUND_INACTIVE'));

function maskOf(states: readonly TcpState[] | null): number {
  if (states === null) return anyState;
  return states.reduce((mask, state) => mask | (1 << tcpStateNumber(state)), 0);
}

/** The kernel gives a page at a time. */
const pieceSize = 64 * 1024;
/** Milliseconds for which nothing else gets a turn. */
const longestTurn = 5;

async function visitProcFile(
  family: 4 | 6,
  visit: SocketVisitor,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = family === 4 ? '/proc/self/net/tcp' : '/proc/self/net/tcp6';
  const parser = new ProcNetTcpParser(family, visit);
  const piece = Buffer.alloc(pieceSize);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    // A kernel without IPv6.
    if (family === 6 && isSystemError(error, 'ENOENT')) return;
    throw new LbcapError(
      'INPUT_IO',
      `cannot read the ports in use from ${path} (${messageOf(error)})`,
      'mount /proc',
      { cause: error },
    );
  }
  try {
    let since = performance.now();
    for (;;) {
      const length = readSync(file, piece);
      if (length === 0) break;
      parser.push(piece.subarray(0, length));
      if (performance.now() - since > longestTurn) {
        await breathe();
        signal?.throwIfAborted();
        since = performance.now();
      }
    }
    parser.end();
  } finally {
    closeSync(file);
  }
}
