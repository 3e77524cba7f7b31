/** What came of a run's connections. */

/** Connections of one kind. */
export interface Tally {
  readonly labelled: number;
  /** Connections that could not be labelled, by the name of the error. */
  readonly failed: Readonly<Record<string, number>>;
  /** Connections whose program had chosen another source itself. */
  readonly kept: number;
}

export interface AddressCount {
  readonly address: string;
  readonly streams: number;
  readonly datagrams: number;
}

export interface Account {
  /** TCP and other streams. */
  readonly streams: Tally;
  /** Connected UDP. */
  readonly datagrams: Tally;
  /** UDP datagrams sent without a connection. */
  readonly messages: Tally;
  /** Addresses that servers were moved to listen on. */
  readonly listens: number;
  /** Sockets that were bound to the label as they bound first. */
  readonly rebound: number;
  /** Connections to ::1 that were led to 127.0.0.1. */
  readonly ledTo4: number;
  /** Connections to ::1 that were refused. */
  readonly refused6: number;
  /** Listens on ::1 that were refused. */
  readonly listensRefused6: number;
  /** Listens on [::] for IPv6 alone that were put on another port of ::1. */
  readonly listensAside6: number;
  /** For a pool. */
  readonly addresses: readonly AddressCount[];
}

export const emptyTally: Tally = { labelled: 0, failed: {}, kept: 0 };

const whatToDo: Readonly<Record<string, string>> = {
  EINVAL: 'bound before it connected: try --rebind',
  EADDRNOTAVAIL: 'no interface has the address',
  EAFNOSUPPORT: 'the label has no address of that family',
  EADDRINUSE: 'no port was left',
};

/** The account for people, a line each. */
export function accountLines(name: string, address: string, account: Account): string[] {
  const { streams, datagrams, messages } = account;
  const udp = datagrams.labelled + failuresOf(datagrams) + datagrams.kept;
  const sent = messages.labelled + failuresOf(messages) + messages.kept;
  const parts = [
    tallyText(streams, 'connection'),
    ...(udp > 0 ? [tallyText(datagrams, 'connected UDP socket')] : []),
    ...(sent > 0 ? [tallyText(messages, 'datagram')] : []),
  ];
  const notes = [
    note(account.listens, 'listen', `moved to ${address}`),
    note(account.rebound, 'bound socket', 'moved to the label (--rebind)'),
    note(account.ledTo4, 'connection', 'to ::1 led to 127.0.0.1'),
    note(account.refused6, 'connection', 'to ::1 refused (--ipv6 refuse)'),
    note(account.listensRefused6, 'listen', 'on ::1 refused, the label having no IPv6 address'),
    note(
      account.listensAside6,
      'listen',
      'for IPv6 alone out of reach: give the label an IPv6 address too, or turn the IPv6 of the program off',
    ),
  ].filter((text) => text !== null);
  const pool = account.addresses.map(
    ({ address: one, streams: tcp, datagrams: other }) =>
      `  ${one}  ${tcp}${other > 0 ? ` and ${other} UDP` : ''}`,
  );
  return [`${name} (${address}): ${[...parts, ...notes].join('; ')}`, ...pool];
}

function tallyText(tally: Tally, what: string): string {
  const reasons = Object.entries(tally.failed).map(([error, count]) => {
    const hint = whatToDo[error];
    return `${count} ${error}${hint === undefined ? '' : `, ${hint}`}`;
  });
  if (tally.kept > 0) reasons.push(`${tally.kept} bound to another address: see --rebind`);
  const labelled = `${plural(tally.labelled, what)} labelled`;
  const not = failuresOf(tally) + tally.kept;
  return not === 0 ? labelled : `${labelled}, ${not} not (${reasons.join('; ')})`;
}

function failuresOf(tally: Tally): number {
  return Object.values(tally.failed).reduce((sum, count) => sum + count, 0);
}

function note(count: number, what: string, fate: string): string | null {
  return count === 0 ? null : `${plural(count, what)} ${fate}`;
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
