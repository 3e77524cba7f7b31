/** The hops of a report as a Markdown table. Pure. */
import { code, count, plural, seconds, table } from './markdown-text.js';
import type { Report, ReportedEnd, ReportedHop } from './report.js';

export function hopLines({ hops }: Report): string[] {
  const { rows, leftOut, evicted } = hops;
  const heads = [
    ...['s:', 'from', 'to', 'duration s:', 'out packets / bytes:', 'in packets / bytes:'],
    ...['retransmissions:', 'end', 'its file'],
  ];
  const lines = [...table(heads, rows.map(hopRow))];
  if (rows.length === 0) lines.push('None.', '');
  if (leftOut > 0) {
    lines.push(
      `${plural(leftOut, 'more hop')} left out, the less useful ones: \`--all\` shows more.`,
      '',
    );
  }
  if (evicted > 0) {
    lines.push(
      `${plural(evicted, 'hop')} forgotten while open, for want of room: what came later is another row.`,
      '',
    );
  }
  return lines;
}

function hopRow(hop: ReportedHop): string[] {
  const { out, in: into } = hop;
  return [
    seconds(hop.at),
    endpoint(hop.from),
    `${endpoint(hop.to)}${hop.protocol === 'tcp' ? '' : ` ${hop.protocol.toUpperCase()}`}`,
    seconds(hop.duration),
    `${count(out.packets)} / ${count(out.bytes)}`,
    `${count(into.packets)} / ${count(into.bytes)}`,
    count(hop.retransmissions),
    ending(hop),
    code(hop.files[0] ?? ''),
  ];
}

/** `mx1 127.0.0.31:25`. */
function endpoint({ label, address, port }: ReportedEnd): string {
  const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return code(label === null ? place : `${label} ${place}`);
}

function ending(hop: ReportedHop): string {
  const side = hop.endedBy === null ? null : hop[hop.endedBy];
  const who = side === null ? '' : ` by ${code(side.label ?? side.address)}`;
  const words = {
    closed: 'FIN',
    'half-closed': `half closed, FIN${who}`,
    reset: `RST${who}`,
    refused: `refused: RST${who}`,
    unanswered: 'SYN unanswered',
    open: 'still open',
    'both ways': 'both ways',
    'one way': 'no answer',
  } as const;
  const earlier = hop.complete || hop.protocol !== 'tcp' ? '' : '; began before the capture';
  return `${words[hop.ending]}${earlier}`;
}
