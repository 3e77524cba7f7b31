/** A program: opens one capture as JSON says, counts packets until told to stop, tells the result. */
import { LbcapError } from '../../src/errors.js';
import { openLo, read } from './traffic.js';

interface Orders {
  readonly interface?: string;
  readonly filter?: string;
  /** Become this user first. */
  readonly uid?: number;
  /** Leave by process.exit while the capture waits for a packet. */
  readonly exit?: number;
}

const orders = JSON.parse(process.argv[2]) as Orders;
if (orders.uid !== undefined) {
  process.setgroups!([]);
  process.setgid!(orders.uid);
  process.setuid!(orders.uid);
}
try {
  const opened = await openLo({
    interface: orders.interface ?? 'lo',
    filter: orders.filter ?? null,
  });
  process.stdout.write(`${'open'}\n`);
  if (orders.exit !== undefined) setTimeout(() => process.exit(orders.exit), 100);
  process.stdin.once('data', () => opened.source.stop());
  const { length } = await read(opened);
  await opened.source.close();
  process.stdout.write(`${JSON.stringify({ packets: length })}\n`);
  process.stdin.destroy();
} catch (error) {
  if (!(error instanceof LbcapError)) throw error;
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message })}\n`);
}
