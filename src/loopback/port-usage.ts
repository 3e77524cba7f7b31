/** Counts a label's connections by server and by state, from the sockets that it is shown. */
import { formatAddress, rangeOf } from '../labels/address.js';
import type { Label } from '../labels/label.js';
import { compileLookup, type LabelLookup } from '../labels/lookup.js';
import { tcpStateNumber, tcpStates, type TcpSocket, type TcpState } from '../native/tcp-socket.js';
import { countPorts } from './port-range.js';
import type { TimeWaitReuse } from './port-settings.js';

export type StateCounts = Readonly<Partial<Record<TcpState, number>>>;

/** Sockets, and what of them is no hindrance to new ones. */
export interface Usage {
  /** Ports taken, those in TIME_WAIT included. */
  readonly used: number;
  /** Of these, in TIME_WAIT and free for a new connection all the same (tcp_tw_reuse). */
  readonly reusable: number;
  readonly states: StateCounts;
}

/** One address of a label: what a connection is limited by. */
export interface AddressUsage extends Usage {
  readonly address: string;
}

/** All connections of a label to one server's address and port. */
export interface ServerUsage extends Usage {
  /** `127.0.0.1:9092`, `[::1]:9092`. */
  readonly server: string;
  /** Only those with connections, the fullest first. */
  readonly addresses: readonly AddressUsage[];
}

export interface LabelUsage {
  readonly label: Label;
  /** Addresses that connections can come from: those without a port. `Infinity` beyond 2^53. */
  readonly addresses: number;
  /** Connections from one address to one server. */
  readonly perAddress: number;
  /** The fullest first. */
  readonly servers: readonly ServerUsage[];
  /** Sockets that take no ephemeral port: listeners, what they accepted, ports of their own. */
  readonly others: StateCounts;
}

/** How long TIME_WAIT takes, milliseconds: TCP_TIMEWAIT_LEN in include/net/tcp.h. */
export const timeWaitLength = 60_000;

const timeWait = tcpStateNumber('TIME_WAIT');

interface Count {
  readonly states: Uint32Array;
  reusable: number;
}

interface ServerCount {
  readonly server: string;
  readonly byAddress: Map<number | string, { readonly address: string; readonly count: Count }>;
}

interface LabelCount {
  readonly servers: Map<number | string, ServerCount>;
  readonly others: Uint32Array;
}

/** One reading of the tables. */
export class PortUsage {
  readonly #labels: readonly Label[];
  readonly #lookup: LabelLookup;
  readonly #usable: Uint8Array;
  readonly #reuse: TimeWaitReuse;
  readonly #counts: LabelCount[];

  /** @param usable as `usablePorts` gives it */
  constructor(labels: readonly Label[], usable: Uint8Array, reuse: TimeWaitReuse) {
    this.#labels = labels;
    this.#lookup = compileLookup(labels);
    this.#usable = usable;
    this.#reuse = reuse;
    this.#counts = labels.map(() => ({
      servers: new Map(),
      others: new Uint32Array(tcpStates.length),
    }));
  }

  /** Whatever is no label's is passed over. */
  add(socket: TcpSocket): void {
    const { view, local, localPort, state } = socket;
    if (state >= tcpStates.length) return;
    const index =
      socket.family === 4
        ? this.#lookup.v4(view.getInt32(local), localPort)
        : this.#lookup.v6(view, local, localPort);
    if (index === -1) return;
    const { servers, others } = this.#counts[index];
    // A port that connect(2) does not give is a listener's, or its owner chose it.
    if (this.#usable[localPort] === 0 || socket.remotePort === 0 || this.#isPeer(index, socket)) {
      others[state] += 1;
      return;
    }
    const serverKey = keyOf(socket, socket.remote, socket.remotePort);
    let server = servers.get(serverKey);
    if (server === undefined) {
      const address = addressOf(socket, socket.remote);
      const host = socket.family === 4 ? address : `[${address}]`;
      server = { server: `${host}:${socket.remotePort}`, byAddress: new Map() };
      servers.set(serverKey, server);
    }
    const addressKey = keyOf(socket, local, 0);
    let entry = server.byAddress.get(addressKey);
    if (entry === undefined) {
      const count = { states: new Uint32Array(tcpStates.length), reusable: 0 };
      entry = { address: addressOf(socket, local), count };
      server.byAddress.set(addressKey, entry);
    }
    entry.count.states[state] += 1;
    if (state === timeWait && this.#isReusable(socket)) entry.count.reusable += 1;
  }

  result(): LabelUsage[] {
    const perAddress = countPorts(this.#usable);
    return this.#labels.map((label, index) => {
      const { servers, others } = this.#counts[index];
      return {
        label,
        addresses: sourceCount(label),
        perAddress,
        servers: [...servers.values()].map(serverUsage).sort(fuller),
        others: stateCounts(others),
      };
    });
  }

  /** A label with a port is whoever sits at that port. */
  #isPeer(index: number, { localPort }: TcpSocket): boolean {
    if (!this.#lookup.usesPorts) return false;
    return this.#labels[index].endpoints.some(({ port }) => port === localPort);
  }

  /** tcp_twsk_unique() in net/ipv4/tcp_ipv4.c. */
  #isReusable(socket: TcpSocket): boolean {
    const { mode, delay } = this.#reuse;
    if (mode === 0 || timeWaitLength - socket.expires <= delay) return false;
    return mode === 1 || isLoopback(socket, socket.local) || isLoopback(socket, socket.remote);
  }
}

function serverUsage({ server, byAddress }: ServerCount): ServerUsage {
  const addresses = [...byAddress.values()]
    .map(({ address, count }) => ({ address, ...usage([count]) }))
    .sort(fuller);
  return { server, ...usage([...byAddress.values()].map(({ count }) => count)), addresses };
}

function usage(counts: readonly Count[]): Usage {
  const states = new Uint32Array(tcpStates.length);
  let reusable = 0;
  for (const count of counts) {
    count.states.forEach((number, state) => (states[state] += number));
    reusable += count.reusable;
  }
  return {
    used: states.reduce((sum, number) => sum + number, 0),
    reusable,
    states: stateCounts(states),
  };
}

function fuller(a: Usage, b: Usage): number {
  return b.used - b.reusable - (a.used - a.reusable) || b.used - a.used;
}

function stateCounts(counts: Uint32Array): StateCounts {
  return Object.fromEntries(
    tcpStates.flatMap((name, state) => (counts[state] > 0 ? [[name, counts[state]]] : [])),
  );
}

function sourceCount({ endpoints }: Label): number {
  let count = 0n;
  for (const endpoint of endpoints) {
    const { first, last } = rangeOf(endpoint);
    if (endpoint.port === null) count += last - first + 1n;
  }
  return count > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(count);
}

/** A number where one holds it. */
function keyOf({ family, view }: TcpSocket, at: number, port: number): number | string {
  if (family === 4) return view.getUint32(at) * 65_536 + port;
  const words = [0, 4, 8, 12].map((offset) => view.getUint32(at + offset));
  return `${words.join(' ')} ${port}`;
}

function addressOf({ family, view }: TcpSocket, at: number): string {
  return formatAddress(new Uint8Array(view.buffer, view.byteOffset + at, family === 4 ? 4 : 16));
}

/** 127.0.0.0/8 or ::1. */
function isLoopback({ family, view }: TcpSocket, at: number): boolean {
  if (family === 4) return view.getUint8(at) === 127;
  return (
    view.getInt32(at) === 0 &&
    view.getInt32(at + 4) === 0 &&
    view.getInt32(at + 8) === 0 &&
    view.getInt32(at + 12) === 1
  );
}
