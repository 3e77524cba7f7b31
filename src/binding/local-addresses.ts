/** Whether this machine has the addresses of a label. */
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { LbcapError, messageOf } from '../errors.js';
import { formatAddress } from '../labels/address.js';
import { addressAt, type AddressRun, type Sources } from './sources.js';

/**
 * Otherwise every connection would silently keep 127.0.0.1 or ::1.
 *
 * @throws LbcapError `RUN_FAILED` for the first address that nothing can bind to
 */
export async function requireLocal({ ipv4, ipv6 }: Sources): Promise<void> {
  // 127/8 belongs to lo as a whole.
  const doubtful = [...ipv4, ...ipv6].filter(({ first }) => first.length !== 4 || first[0] !== 127);
  if (doubtful.length === 0) return;
  const known = new Set(
    Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).map(({ address }) => address),
    ),
  );
  for (const text of doubtful.flatMap((run) => [...endsOf(run)])) {
    if (!known.has(text)) await requireBindable(text);
  }
}

/** A block's first and last address: nobody adds one with a gap. */
function endsOf(run: AddressRun): Set<string> {
  return new Set([0, run.count - 1].map((index) => formatAddress(addressAt([run], index))));
}

/** A local route can make an address usable that no interface shows. */
async function requireBindable(address: string): Promise<void> {
  const { createSocket } = await import('node:dgram');
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind(0, address);
    await once(socket, 'listening');
  } catch (cause) {
    const prefix = address.includes(':') ? 128 : 32;
    throw new LbcapError(
      'RUN_FAILED',
      `no interface has ${address} (${messageOf(cause)})`,
      `add it with: ip address add ${address}/${prefix} dev lo`,
      { cause },
    );
  } finally {
    socket.close();
  }
}
