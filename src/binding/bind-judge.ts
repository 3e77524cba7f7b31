/** Decides about bind(2) under method seccomp: `--server` moves what listens, `--rebind` clients. */
import { valueOf } from '../labels/address.js';
import { errnoOf } from '../native/errno.js';
import { type ForeignSockets, socketFamily } from '../native/foreign-socket.js';
import { extra, word } from './account-layout.js';
import { mapped, type LoopbackDestination, writeName } from './destination.js';
import type { LabelTurns } from './label-turns.js';

const localhost4 = 0x7f00_0001n;
const localhost6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

export interface BindOptions {
  readonly server: boolean;
  readonly rebind: boolean;
}

export class BindJudge {
  readonly #sockets: ForeignSockets;
  readonly #turns: LabelTurns;
  readonly #options: BindOptions;

  constructor(sockets: ForeignSockets, turns: LabelTurns, options: BindOptions) {
    this.#sockets = sockets;
    this.#turns = turns;
    this.#options = options;
  }

  /**
   * As the BPF programs do it (bind-programs.ts).
   *
   * @param name what the program wants to bind to
   * @returns the call's error number, 0 included, or `null` when it shall go on
   */
  judge(socket: number, family: number, name: LoopbackDestination): number | null {
    const server = name.port !== 0;
    if (!(server ? this.#options.server : this.#options.rebind)) return null;
    // Others of 127/8 were chosen on purpose.
    if (name.kind === 'ipv4' && !name.unspecified && valueOf(name.address) !== localhost4) {
      return null;
    }
    const both =
      name.unspecified && !(family === socketFamily.inet6 && this.#sockets.ipv6Only(socket));
    // [::] is for IPv4 as well, and there are more IPv4 clients.
    const order =
      name.kind === 'ipv4' ? [4 as const] : both ? [4 as const, 6 as const] : [6 as const];
    for (const version of order) {
      const turn = this.#turns.next('bind', version, server ? 'first' : 'turn');
      if (turn === null) continue;
      const asMapped = version === 4 && family === socketFamily.inet6;
      const address = asMapped ? mapped(turn.address) : turn.address;
      const errno = this.#sockets.bindNow(socket, writeName(address, name.port));
      if (errno === 0 && server) this.#turns.count('bind', word.done);
      if (errno === 0 && !server) this.#turns.add(extra.rebound);
      return errno;
    }
    if (name.kind === 'ipv4' || !server) return null;
    // As putAside in ipv6-only.ts; only what is for IPv6 alone comes here.
    if (name.unspecified && !both) {
      const errno = this.#sockets.bindNow(socket, writeName(localhost6, 0));
      if (errno === 0) this.#turns.add(extra.listenAside);
      return errno;
    }
    // Copies of a server would meet on ::1: so it is as on a machine without.
    this.#turns.add(extra.listenRefused);
    return errnoOf('EADDRNOTAVAIL');
  }
}
