/** How long 200,000 connections to one server take over 8 addresses: with many ports, and with Linux's own 28,232 each. */
import { Holding } from '../test/scenarios/holding.js';
import { say, verdict } from './report.js';

const connections = 200_000;
const pool = 'pool=127.0.40.8/29';
/** Seconds, where no address comes near half of its ports. */
const limit = 30;
/** Milliseconds, where each does: the kernel's search for the next one takes nearly all of them. */
const patience = 540_000;

export async function measureHold(): Promise<boolean> {
  say(`${connections} connections held over 8 addresses, by run --pool`);
  const own = await secondsFor({});
  say(`  with the 28,232 ports of each that Linux has by itself ${own.toFixed(0)} s`);
  const wide = await secondsFor({ ip_local_port_range: '1024 65535' });
  return verdict('with net.ipv4.ip_local_port_range "1024 65535"', wide, limit, ' s');
}

async function secondsFor(settings: Readonly<Record<string, string>>): Promise<number> {
  const holding = await Holding.start({ connections, pool, settings, timeout: patience });
  await holding.close();
  return holding.seconds;
}
