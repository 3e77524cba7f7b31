/** Waits until connections are over, so that two captures that end one after the other have the same. */
import { setTimeout as pause } from 'node:timers/promises';
import { outputOf } from './process.js';

/**
 * Resolves once every connection of these addresses has sent its last packet: what is left listens
 * or is in TIME_WAIT.
 */
export async function connectionsOver(...addresses: readonly string[]): Promise<void> {
  const states = ['exclude', 'listening', 'exclude', 'time-wait', 'exclude', 'closed'];
  const these = addresses.flatMap((address, index) => [
    ...(index === 0 ? [] : ['or']),
    ...['src', address, 'or', 'dst', address],
  ]);
  for (const until = performance.now() + 10_000; ; await pause(10)) {
    const left = await outputOf('ss', '-Htn', ...states, ...these);
    if (left === '') return;
    if (performance.now() > until) throw new Error(`connections are left:\n${left}`);
  }
}
