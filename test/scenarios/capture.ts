/** Captures the same traffic with tcpdump and with `lbcap watch`. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Tcpdump } from './tcpdump.js';
import { Watch, type Ended, type EndedLabel } from './watch.js';

/** What both captures gave. */
export interface Captured {
  readonly ended: Ended;
  /** tcpdump's file with everything of the loopback. */
  readonly all: string;
  readonly out: string;
}

/** Captures with tcpdump and with `lbcap watch` at the same time, while `traffic` runs. */
export async function capture(
  folder: string,
  words: readonly string[],
  traffic: () => Promise<void>,
): Promise<Captured> {
  const all = join(folder, 'all.pcap');
  const out = join(folder, 'out');
  const tcpdump = await Tcpdump.start(all);
  let ended: Ended;
  try {
    const watch = await Watch.start(...words, '-o', out);
    try {
      await traffic();
    } finally {
      ended = await watch.stop();
    }
  } finally {
    await tcpdump.end();
  }
  assert.equal(ended.status, 0, ended.stderr);
  assert.equal(ended.end.kernelDropped, 0, 'lbcap lost packets');
  return { ended, all, out };
}

/** What the end event says of a label. */
export function labelNamed(ended: Ended, name: string): EndedLabel {
  const found = ended.end.labels.find((label) => label.name === name);
  return found ?? assert.fail(`no label ${name} in the end event`);
}
