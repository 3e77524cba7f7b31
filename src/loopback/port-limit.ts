/** Which labels are near the end of their ports. */
import { freePorts } from './port-forecast.js';
import type { LabelUsage, ServerUsage } from './port-usage.js';

/** The address that connections to a server will fail from first. */
export interface FullestAddress {
  readonly address: string;
  /** Ports that a new connection to the server cannot have. */
  readonly taken: number;
  readonly of: number;
}

export interface NearLimit extends FullestAddress {
  readonly label: string;
  readonly server: string;
}

/** From this share of the ports on, somebody should know; below the other, it is over. */
const nearShare = 0.8;
export const farShare = 0.7;

/** `null` for a server without connections. */
export function fullestAddress(
  { perAddress }: LabelUsage,
  { addresses }: ServerUsage,
): FullestAddress | null {
  if (addresses.length === 0) return null;
  const [first] = addresses;
  return {
    address: first.address,
    taken: perAddress - freePorts(perAddress, first),
    of: perAddress,
  };
}

export function isNear({ taken, of }: FullestAddress, share = nearShare): boolean {
  return taken >= share * of;
}

/** The fullest address of each label and server that is near its limit. */
export function nearLimits(labels: readonly LabelUsage[], share = nearShare): NearLimit[] {
  return labels.flatMap((usage) =>
    usage.servers.flatMap((server) => {
      const fullest = fullestAddress(usage, server);
      if (fullest === null || !isNear(fullest, share)) return [];
      return [{ label: usage.label.name, server: server.server, ...fullest }];
    }),
  );
}
