/** What a label's addresses hold and can hold: one reading of the settings and the socket tables. */
import { LbcapError } from '../errors.js';
import type { Label } from '../labels/label.js';
import { countPorts, usablePorts, type EphemeralPorts } from './port-range.js';
import { readEphemeralPorts, readTimeWaitReuse, type TimeWaitReuse } from './port-settings.js';
import { PortUsage, type LabelUsage } from './port-usage.js';
import type { SocketTables } from './tcp-sockets.js';

export interface PortReport {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly ports: EphemeralPorts;
  /**
   * Ports of the range that listeners have, at whatever address: connect(2) gives them to nobody. A program
   * that binds first may have one at another address; it is then not counted as in use.
   */
  readonly listening: number;
  readonly reuse: TimeWaitReuse;
  readonly labels: readonly LabelUsage[];
}

/**
 * @param signal as for `SocketTables.visit`
 * @throws LbcapError `INPUT_IO`, `INPUT_DAMAGED`; SystemCallError when netlink fails midway
 */
export async function readPorts(
  tables: SocketTables,
  labels: readonly Label[],
  signal?: AbortSignal,
): Promise<PortReport> {
  const ports = readEphemeralPorts();
  const reuse = readTimeWaitReuse();
  const at = performance.now();
  const listening = await readListening(tables);
  const usable = usablePorts(ports, listening);
  const usage = new PortUsage(labels, usable, reuse);
  const blocks = labels.flatMap(({ endpoints }) => endpoints);
  await tables.visit(
    null,
    blocks,
    (socket) => {
      usage.add(socket);
    },
    signal,
  );
  const withoutListeners = usablePorts(ports, []);
  let lost = 0;
  for (const port of listening) lost += withoutListeners[port];
  return { at, ports, listening: lost, reuse, labels: usage.result() };
}

/**
 * How many connections one address can hold to one server now.
 *
 * @param tables `null` where they cannot be read: without listeners
 */
export async function capacityOfAddress(
  tables: SocketTables | null,
  ports: EphemeralPorts,
): Promise<number> {
  const listening = tables === null ? [] : await readListening(tables);
  const capacity = countPorts(usablePorts(ports, listening));
  if (capacity > 0) return capacity;
  throw new LbcapError(
    'ADDRESSES_EXHAUSTED',
    `no port of ${ports.range.first} to ${ports.range.last} is left for connections`,
    `widen ${ports.origin}`,
  );
}

async function readListening(tables: SocketTables): Promise<Set<number>> {
  const listening = new Set<number>();
  await tables.visit(['LISTEN'], null, ({ localPort }) => {
    listening.add(localPort);
  });
  return listening;
}
