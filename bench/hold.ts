/** How long 200,000 connections to one server take over 8 addresses, each with Linux's own 28,232 ports. */
import { Holding } from '../test/scenarios/holding.js';
import { say, verdict } from './report.js';

const connections = 200_000;
const pool = 'pool=127.0.40.8/29';
/** Seconds. The kernel's search for a port takes nearly all of it, once half of them are in use. */
const limit = 180;

export async function measureHold(): Promise<boolean> {
  say(`${connections} connections held over 8 addresses, by run --pool`);
  const seconds = await secondsFor({});
  const wide = await secondsFor({ ip_local_port_range: '1024 65535' });
  say(`  with net.ipv4.ip_local_port_range "1024 65535" ${wide.toFixed(1)} s`);
  return verdict('with the range that Linux has by itself', seconds, limit, ' s');
}

async function secondsFor(settings: Readonly<Record<string, string>>): Promise<number> {
  const timeout = 3 * limit * 1000;
  const holding = await Holding.start({ connections, pool, settings, timeout });
  await holding.close();
  return holding.seconds;
}
