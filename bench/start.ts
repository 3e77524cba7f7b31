/** How long `lbcap filter` takes from start to end, against a Node that does nothing. */
import { spawnSync } from 'node:child_process';
import { lbcapProgram } from '../test/scenarios/watch.js';
import { median } from './report.js';

/** Medians of alternating runs, in milliseconds. */
export function measureStart(runs: number): { node: number; filter: number } {
  const times = { node: [] as number[], filter: [] as number[] };
  for (let i = 0; i < runs; i++) {
    times.node.push(time(['-e', '0']));
    times.filter.push(time([lbcapProgram(), 'filter', '--label', 'kafka-client=127.0.0.2']));
  }
  return { node: median(times.node), filter: median(times.filter) };
}

function time(words: readonly string[]): number {
  // Reading certificates is no part of either start, and would make the ratio look better.
  const env = { ...process.env };
  delete env['NODE_EXTRA_CA_CERTS'];
  const before = performance.now();
  const { status, stderr } = spawnSync(process.execPath, words, { env });
  if (status !== 0) throw new Error(String(stderr));
  return performance.now() - before;
}
