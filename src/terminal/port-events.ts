/** The objects of `lbcap ports --json`: one a line for each label. Pure. */
import { forecast, freePorts, unknownForecast } from '../loopback/port-forecast.js';
import { fullestAddress } from '../loopback/port-limit.js';
import type { PortReport } from '../loopback/port-report.js';
import type { AddressUsage, StateCounts } from '../loopback/port-usage.js';

export interface PortEvent {
  readonly event: 'ports';
  /** ISO 8601. */
  readonly time: string;
  readonly name: string;
  readonly address: string;
  /** Addresses without a port, that connections can come from; `null`: more than can be counted. */
  readonly addresses: number | null;
  /** Connections from one address to one server. */
  readonly perAddress: number;
  /** Connections from all of them to one server; `null`: of no address, or more than can be counted. */
  readonly capacity: number | null;
  readonly range: { readonly first: number; readonly last: number; readonly origin: string };
  /** Ports of the range that listeners have. */
  readonly listening: number;
  readonly servers: readonly ServerEvent[];
  /** Sockets of the label's addresses that take no ephemeral port, by state. */
  readonly others: StateCounts;
}

interface Taken {
  readonly used: number;
  /** Of these, in TIME_WAIT and free for new connections. */
  readonly reusable: number;
  readonly free: number | null;
  readonly states: StateCounts;
}

interface ServerEvent extends Taken {
  readonly server: string;
  /** More ports taken a second; `null`: not known. */
  readonly perSecond: number | null;
  /** Until the first address is full; `null`: never, at this rate. */
  readonly secondsLeft: number | null;
  /** The address that fails first. */
  readonly fullest: string | null;
  readonly addresses: readonly (Taken & { readonly address: string })[];
}

/** @param before an earlier report on the same labels, for rates */
export function portEvents(before: PortReport | null, now: PortReport, time: Date): PortEvent[] {
  const { first, last } = now.ports.range;
  return now.labels.map((usage, index) => {
    const { label, addresses, perAddress, servers, others } = usage;
    const capacity = addresses === 0 ? null : addresses * perAddress;
    const earlier = before?.labels[index];
    return {
      event: 'ports',
      time: time.toISOString(),
      name: label.name,
      address: label.text,
      addresses: finite(addresses),
      perAddress,
      capacity: capacity === null ? null : finite(capacity),
      range: { first, last, origin: now.ports.origin },
      listening: now.listening,
      servers: servers.map((server) => ({
        server: server.server,
        used: server.used,
        reusable: server.reusable,
        free:
          capacity === null
            ? null
            : finite(Math.max(0, capacity - (server.used - server.reusable))),
        states: server.states,
        ...(before === null || earlier === undefined
          ? unknownForecast
          : forecast(earlier, usage, server, now.at - before.at)),
        fullest: fullestAddress(usage, server)?.address ?? null,
        addresses: server.addresses.map((address) => addressEvent(perAddress, address)),
      })),
      others,
    };
  });
}

function addressEvent(perAddress: number, usage: AddressUsage) {
  const { address, used, reusable, states } = usage;
  return { address, used, reusable, free: freePorts(perAddress, usage), states };
}

function finite(value: number): number | null {
  return value <= Number.MAX_SAFE_INTEGER ? value : null;
}
