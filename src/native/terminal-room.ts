/** Whether a terminal takes what is written: it does not while it is stopped. */
import { LbcapError } from '../errors.js';
import { openKernel } from './kernel.js';
import { takesBytes } from './poll.js';

/**
 * Ctrl-S (XOFF) stops a terminal, and Node writes to one synchronously: the whole process, and with it
 * the capture, would wait for Ctrl-Q.
 *
 * A terminal that is not stopped but not read either still takes a few bytes, and says so: that is not
 * foreseen.
 *
 * @returns to be asked before each write; always true where it cannot be known
 */
export async function terminalRoom({
  fd,
  isTTY,
}: {
  readonly fd: number;
  readonly isTTY?: boolean;
}): Promise<() => boolean> {
  const always = () => true;
  if (isTTY !== true) return always;
  try {
    return takesBytes(await openKernel(), fd);
  } catch (error) {
    if (error instanceof LbcapError) return always;
    throw error;
  }
}
