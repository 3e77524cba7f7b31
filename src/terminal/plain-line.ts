/** What is said every few seconds where there is no terminal. */
import { itemAt } from '../sequence.js';
import type { Snapshot } from '../sinks/snapshot.js';
import { captureNotes } from './notes.js';
import { busiest, rates, tableRows } from './rows.js';
import { formatBytes, formatCount } from './units.js';

/** A line of a log should stay one: this many labels are named. */
const mostLabels = 4;

/**
 * One line, without colour: `captured 1,204 packets, 310k, kernel dropped 0, … : kafka-client
 * 1,204 packets, 12k/s, 3 open; …`. The busiest labels are named.
 *
 * @param previous rates are since then; `null`: means since the start
 */
export function plainLine(snapshot: Snapshot, previous: Snapshot | null): string {
  const { rows, more } = tableRows(previous, snapshot, mostLabels);
  const shown = busiest(snapshot, mostLabels);
  const labels = rows.map((row, i) => {
    const words = [
      `${row.label} ${formatCount(itemAt(snapshot.labels, shown[i]).total.packets)} packets`,
      row.byteRate === null ? '' : `${formatBytes(row.byteRate)}/s`,
      row.open === 0 ? '' : `${formatCount(row.open)} open`,
      row.resets === 0 ? '' : `${formatCount(row.resets)} resets`,
      row.retransmissions === 0 ? '' : `${formatCount(row.retransmissions)} retransmissions`,
      row.unanswered === 0 ? '' : `${formatCount(row.unanswered)} unanswered SYNs`,
    ];
    return words.filter((word) => word !== '').join(', ');
  });
  if (more > 0) labels.push(`and ${formatCount(more)} more labels`);
  const all = rates(
    previous?.all ?? { packets: 0, bytes: 0 },
    snapshot.all,
    previous === null ? snapshot.elapsed : snapshot.at - previous.at,
  );
  const notes = captureNotes(snapshot).map(({ text }) => text);
  const time = notes.pop() ?? '';
  const rate = all.byteRate === null ? [] : [`${formatBytes(all.byteRate)}/s`];
  const [captured, ...losses] = notes;
  return `${time}: ${[captured, ...rate, ...losses].join(', ')}; ${labels.join('; ')}`;
}
