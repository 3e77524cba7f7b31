/** Asks the kernel for its TCP sockets over netlink: sock_diag(7). Needs no rights. */
import { closeSync } from 'node:fs';
import type { KoffiFunc } from 'koffi';
import { LbcapError } from '../errors.js';
import type { Endpoint } from '../labels/label.js';
import type { Kernel } from './kernel.js';
import { AF_NETLINK, NETLINK_SOCK_DIAG } from './socket-diag-layouts.js';
import { diagRequest, readDiagAnswer } from './socket-diag-messages.js';
import { blankSocket, type SocketVisitor } from './tcp-socket.js';

const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x8_0000;
/** The kernel makes its answers 32 KiB at most (netlink_dump() in net/netlink/af_netlink.c). */
const answerSize = 64 * 1024;

type Open = KoffiFunc<(domain: number, type: number, protocol: number) => number>;
type Transfer = KoffiFunc<
  (socket: number, bytes: Uint8Array, length: number, flags: number) => number
>;

export class SocketDiagnosis {
  readonly #kernel: Kernel;
  readonly #send: Transfer;
  readonly #receive: Transfer;
  readonly #descriptor: number;
  readonly #answer: Buffer;

  /** @throws SystemCallError where such sockets are not allowed */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    const open = kernel.libc<Open>('int socket(int domain, int type, int protocol)');
    this.#send = kernel.libc<Transfer>(
      'long send(int socket, void *bytes, unsigned long length, int flags)',
    );
    this.#receive = kernel.libc<Transfer>(
      'long recv(int socket, void *bytes, unsigned long length, int flags)',
    );
    this.#answer = Buffer.alloc(answerSize);
    this.#descriptor = open(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (this.#descriptor < 0) throw kernel.lastError('socket');
  }

  /**
   * Visits the sockets of both families; one such call at a time. The kernel looks through its
   * table while it is asked, which takes tens of milliseconds where there are 200,000 sockets: it
   * is asked from another thread, so that this one has time for a capture.
   *
   * @param states bit n for state n of `tcpStates`
   * @param blocks as for `diagRequest`: a first choice, the visitor makes its own
   * @param signal ends it at the next answer; nothing but `close` is of use then
   * @throws SystemCallError, LbcapError `INPUT_DAMAGED`, the signal's reason
   */
  async visit(
    states: number,
    blocks: readonly Endpoint[] | null,
    visit: SocketVisitor,
    signal?: AbortSignal,
  ): Promise<void> {
    const { buffer, byteOffset, length } = this.#answer;
    const socket = blankSocket(new DataView(buffer, byteOffset, length));
    for (const family of ['inet', 'inet6'] as const) {
      const request = diagRequest(family, states, blocks);
      if (request === null) continue;
      await this.#transfer(this.#send, 'send', request);
      let last = false;
      while (!last) {
        signal?.throwIfAborted();
        last = readDiagAnswer(
          socket,
          await this.#transfer(this.#receive, 'recv', this.#answer),
          visit,
        );
      }
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #transfer(call: Transfer, name: string, bytes: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      call.async(
        this.#descriptor,
        bytes,
        bytes.length,
        0,
        (error: Error | null, count: number): void => {
          if (error !== null) reject(error);
          else if (count > 0) resolve(count);
          else if (count < 0) reject(this.#kernel.lastError(name));
          else reject(new LbcapError('INPUT_DAMAGED', 'the kernel sent an empty answer'));
        },
      );
    });
  }
}
