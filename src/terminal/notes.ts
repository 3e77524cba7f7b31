/** The line beneath a table: what was captured, and what was lost. */
import type { NearLimit } from '../loopback/port-limit.js';
import type { Snapshot } from '../sinks/snapshot.js';
import type { Tone } from './colour.js';
import { formatBytes, formatCount, formatDuration, formatPercent } from './units.js';

export interface Note {
  readonly text: string;
  readonly tone: Tone;
}

/** The table should keep its room. */
const mostLimits = 2;

/** In the order of importance; what is not known says so and is never 0. */
export function captureNotes(snapshot: Snapshot): Note[] {
  const { all, counters, others, unclassified } = snapshot;
  const notes: Note[] = [
    {
      text: `captured ${formatCount(all.packets)} packets, ${formatBytes(all.bytes)}`,
      tone: 'plain',
    },
  ];
  if (counters.kernelDropped === null && counters.interfaceDropped === null) {
    notes.push({ text: 'drops not known', tone: 'faint' });
  } else {
    notes.push(dropNote('kernel dropped', counters.kernelDropped, all.packets));
    notes.push(dropNote('interface dropped', counters.interfaceDropped, all.packets));
  }
  notes.push({ text: `others ${formatCount(others.packets)}`, tone: 'faint' });
  if (unclassified > 0) {
    const share = formatPercent(unclassified, all.packets);
    notes.push({ text: `unclassified ${formatCount(unclassified)} (${share})`, tone: 'warning' });
  }
  const evicted = snapshot.flowsEvicted ?? 0;
  if (evicted > 0) {
    const text = `TCP health is partial: ${formatCount(evicted)} flows forgotten`;
    notes.push({ text, tone: 'warning' });
  }
  const near = snapshot.portsNear ?? [];
  for (const limit of near.slice(0, mostLimits)) {
    notes.push({ text: portNote(limit), tone: limit.taken >= limit.of ? 'alarm' : 'warning' });
  }
  if (near.length > mostLimits) {
    const text = `${formatCount(near.length - mostLimits)} more are short of ports`;
    notes.push({ text, tone: 'warning' });
  }
  notes.push({ text: formatDuration(snapshot.elapsed), tone: 'faint' });
  return notes;
}

/** `load has taken 25,001 of 28,232 ports of 127.0.0.2 to 127.0.0.1:9092`. */
export function portNote({ label, address, server, taken, of }: NearLimit): string {
  return `${label} has taken ${formatCount(taken)} of ${formatCount(of)} ports of ${address} to ${server}`;
}

function dropNote(what: string, dropped: number | null, captured: number): Note {
  if (dropped === null) return { text: `${what} not known`, tone: 'faint' };
  if (dropped === 0) return { text: `${what} 0`, tone: 'faint' };
  const share = formatPercent(dropped, dropped + captured);
  return { text: `${what} ${formatCount(dropped)} (${share})`, tone: 'alarm' };
}
