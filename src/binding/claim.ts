/** An address that a run has chosen by itself is kept from other runs that choose at the same time. */
import { once } from 'node:events';
import { isSystemError } from '../errors.js';

/**
 * Takes a name of the network namespace (an abstract socket, unix(7)), the very thing that
 * loopback addresses belong to; it is free again when this process is gone, however that comes.
 *
 * @returns false when another run has it
 */
export async function claimAddress(address: string): Promise<boolean> {
  // Loading it takes as long as a small program takes to run.
  const { createServer } = await import('node:net');
  const server = createServer();
  server.unref();
  try {
    server.listen(`\0lbcap/${address}`);
    await once(server, 'listening');
    return true;
  } catch (error) {
    if (isSystemError(error, 'EADDRINUSE')) return false;
    throw error;
  }
}
