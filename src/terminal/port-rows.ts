/** From readings of the ports to the numbers that a table shows: pure, without widths and colours. */
import { forecast, unknownForecast, type Forecast } from '../loopback/port-forecast.js';
import { fullestAddress, type FullestAddress } from '../loopback/port-limit.js';
import type { PortReport } from '../loopback/port-report.js';
import type { LabelUsage, ServerUsage } from '../loopback/port-usage.js';

/** One label's connections to one server. */
export interface PortRow extends Forecast {
  readonly label: string;
  readonly address: string;
  /** `null`: the label has no connection that takes a port. */
  readonly server: string | null;
  readonly used: number;
  readonly established: number;
  readonly timeWait: number;
  /** In any other state. */
  readonly other: number;
  /** All of the label's addresses together; `null` for a label that has ports of its own only. */
  readonly capacity: number | null;
  readonly free: number | null;
  readonly fullest: FullestAddress | null;
}

/** @param before an earlier report on the same labels, for rates */
export function portRows(before: PortReport | null, now: PortReport): PortRow[] {
  return now.labels.flatMap((usage, index) => {
    if (usage.servers.length === 0) return [rowOf(usage, null, unknownForecast)];
    return usage.servers.map((server) =>
      rowOf(
        usage,
        server,
        before === null
          ? unknownForecast
          : forecast(before.labels[index], usage, server, now.at - before.at),
      ),
    );
  });
}

function rowOf(usage: LabelUsage, server: ServerUsage | null, expected: Forecast): PortRow {
  const { label, addresses, perAddress } = usage;
  const { used = 0, reusable = 0, states = {} } = server ?? {};
  const { ESTABLISHED: established = 0, TIME_WAIT: timeWait = 0 } = states;
  const capacity = addresses === 0 ? null : addresses * perAddress;
  return {
    label: label.name,
    address: label.text,
    server: server?.server ?? null,
    used,
    established,
    timeWait,
    other: used - established - timeWait,
    capacity,
    free: capacity === null ? null : Math.max(0, capacity - (used - reusable)),
    fullest: server === null ? null : fullestAddress(usage, server),
    ...expected,
  };
}
