/** Decides about connect(2) under method seccomp: bind the socket first, or refuse, or not. */
import { errnoOf } from '../native/errno.js';
import { datagramSocket, type ForeignSockets, socketFamily } from '../native/foreign-socket.js';
import { extra, word } from './account-layout.js';
import { mapped, readName, writeName, type LoopbackDestination } from './destination.js';
import type { LabelTurns } from './label-turns.js';
import type { Ipv6Mode } from './plan.js';

const localhost4 = Uint8Array.of(127, 0, 0, 1);
const localhost6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

export class ConnectJudge {
  readonly #sockets: ForeignSockets;
  readonly #turns: LabelTurns;
  readonly #ipv6: Ipv6Mode;

  constructor(sockets: ForeignSockets, turns: LabelTurns, ipv6: Ipv6Mode) {
    this.#sockets = sockets;
    this.#turns = turns;
    this.#ipv6 = ipv6;
  }

  /** @returns the call's error number, 0 included, or `null` when it shall go on */
  judge(socket: number, family: number, destination: LoopbackDestination): number | null {
    const block = this.#sockets.type(socket) === datagramSocket ? 'datagram' : 'stream';
    const own = readName(this.#sockets.nameOf(socket));
    if (own !== null && own.address.some((byte) => byte !== 0)) {
      this.#turns.count(block, this.#turns.has(own.address) ? word.done : word.kept);
      return null;
    }
    if (destination.kind === 'ipv6' && this.#ipv6 === 'refuse') {
      this.#turns.add(extra.refused);
      return errnoOf('ECONNREFUSED');
    }
    const to4 = destination.kind === 'ipv6' && this.#ipv6 === 'to4';
    if (to4) this.#turns.add(extra.to4);
    const by4 = destination.kind === 'ipv4' || to4;
    this.#bind(socket, family, by4 ? 4 : 6, block);
    if (!to4 && !destination.unspecified) return null;
    const to = by4 ? localhost4 : localhost6;
    const address = by4 && family === socketFamily.inet6 ? mapped(to) : to;
    return this.#connect(socket, writeName(address, destination.port));
  }

  #bind(socket: number, family: number, version: 4 | 6, block: 'stream' | 'datagram'): void {
    const turn = this.#turns.next(block, version);
    if (turn === null) {
      this.#turns.count(block, errnoOf('EAFNOSUPPORT'));
      return;
    }
    const asMapped = version === 4 && family === socketFamily.inet6;
    const name = writeName(asMapped ? mapped(turn.address) : turn.address, 0);
    const errno = this.#sockets.bind(socket, name);
    if (errno === 0) turn.take();
    else this.#turns.count(block, errno);
  }

  /**
   * Connects in the program's place, since it named another destination. What takes long is left
   * to the program's own call: on a socket that is connecting already, the kernel does not look at
   * the address again, but waits as the program wants it to (inet_stream_connect).
   */
  #connect(socket: number, name: Buffer): number | null {
    const errno = this.#sockets.connect(socket, name);
    if (errno !== errnoOf('EINPROGRESS') || this.#sockets.nonBlocking(socket)) return errno;
    return null;
  }
}
