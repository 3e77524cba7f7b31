/** Sends, under method seccomp, the datagrams of sockets that are not connected: from the label. */
import { errnoOf } from '../native/errno.js';
import { datagramSocket, type ForeignSockets, socketFamily } from '../native/foreign-socket.js';
import { extra, word } from './account-layout.js';
import { mapped, readName, writeName, type LoopbackDestination } from './destination.js';
import type { LabelTurns } from './label-turns.js';
import type { Ipv6Mode } from './plan.js';

const localhost4 = Uint8Array.of(127, 0, 0, 1);
const localhost6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** What the kernel says of a source that cannot be: the program's own call shall do without it. */
const ofSource: readonly number[] = [
  errnoOf('EINVAL'),
  errnoOf('EADDRNOTAVAIL'),
  errnoOf('ENETUNREACH'),
];

/** Bytes of a datagram to be sent, and the flags of its call. */
export interface Message {
  readonly bytes: Buffer;
  readonly flags: number;
}

export class SendJudge {
  readonly #sockets: ForeignSockets;
  readonly #turns: LabelTurns;
  readonly #ipv6: Ipv6Mode;

  constructor(sockets: ForeignSockets, turns: LabelTurns, ipv6: Ipv6Mode) {
    this.#sockets = sockets;
    this.#turns = turns;
    this.#ipv6 = ipv6;
  }

  /**
   * The datagram is sent in the program's place: a socket that was bound instead could reach
   * nobody else any more, and what was looked at is what is sent.
   *
   * @returns the call's result, an error number below 0, or `null` when it shall go on
   */
  judge(
    socket: number,
    family: number,
    destination: LoopbackDestination,
    message: Message,
  ): number | null {
    // Under MSG_FASTOPEN a stream comes here too.
    if (this.#sockets.type(socket) !== datagramSocket) return null;
    const own = readName(this.#sockets.nameOf(socket));
    if (own !== null && own.address.some((byte) => byte !== 0)) {
      this.#turns.count('message', this.#turns.has(own.address) ? word.done : word.kept);
      return null;
    }
    const by4 = destination.kind === 'ipv4';
    if (!by4 && this.#ipv6 === 'refuse') {
      this.#turns.add(extra.refused);
      return -errnoOf('ECONNREFUSED');
    }
    const turn = this.#turns.next('message', by4 ? 4 : 6);
    if (turn === null) {
      this.#turns.count('message', errnoOf('EAFNOSUPPORT'));
      return null;
    }
    const to = destination.unspecified ? (by4 ? localhost4 : localhost6) : destination.address;
    const name = by4 && family === socketFamily.inet6 ? mapped(to) : to;
    const sent = this.#sockets.sendFrom(socket, turn.address, {
      ...message,
      name: writeName(name, destination.port),
    });
    if (sent >= 0) {
      turn.take();
      return sent;
    }
    const full = -sent === errnoOf('EAGAIN') && !this.#sockets.nonBlocking(socket);
    if (!full && !ofSource.includes(-sent)) return sent;
    this.#turns.count('message', -sent);
    return null;
  }
}
