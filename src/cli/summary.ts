/** The words before and after a capture, for people. Pure: lines of text. */
import type { Snapshot } from '../sinks/snapshot.js';
import type { WrittenFile } from '../sinks/label-files.js';
import type { AnnouncedLabel } from '../terminal/events.js';
import { formatBytes, formatCount } from '../terminal/units.js';
import { shellWord } from './shell.js';

/** More labels than this are counted instead of named, at the start and at the end. */
const mostNamed = 24;

/** Columns two spaces apart, as wide as their longest cell; the last one is not padded. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** For each label: its name, address, file and display filter; the last may be long. */
export function announcement(
  labels: readonly AnnouncedLabel[],
  othersFile: string | null,
): string[] {
  const rows = labels
    .slice(0, mostNamed)
    .map((label) => [
      `  ${label.name}`,
      label.address,
      label.file ?? 'not written',
      label.filters.wireshark,
    ]);
  if (labels.length > mostNamed) rows.push([`  … and ${labels.length - mostNamed} more`]);
  if (othersFile !== null) rows.push(['  others', 'no label', othersFile]);
  return columns(rows);
}

/** The account, the files, and the command that opens them. */
export function conclusion(
  snapshot: Snapshot,
  announced: readonly AnnouncedLabel[],
  othersFile: string | null,
  files: readonly WrittenFile[],
): string[] {
  const lines = [
    `${plural(snapshot.all.packets, 'packet')} in = ` +
      `${formatCount(snapshot.labelled.packets)} in at least one label + ` +
      `${plural(snapshot.others.packets, 'other')}` +
      (snapshot.unclassified > 0
        ? ` (${formatCount(snapshot.unclassified)} of them cut or contradicting themselves)`
        : ''),
  ];
  if (files.length === 0) return lines;
  const byPath = new Map(files.map((file) => [file.path, file]));
  const rows: string[][] = [];
  snapshot.labels.forEach((label, index) => {
    const file = byPath.get(announced[index]?.file ?? '');
    if (file !== undefined) rows.push(fileRow(file, label.total.packets));
  });
  // Whatever else has no room, a file that is not complete is named.
  const isIncomplete = (row: readonly string[]) => row[1] === 'incomplete';
  rows.sort((a, b) => Number(isIncomplete(b)) - Number(isIncomplete(a)));
  const shown = rows.slice(0, Math.max(mostNamed, rows.filter(isIncomplete).length));
  if (rows.length > shown.length) shown.push([`  … and ${rows.length - shown.length} more`]);
  const others = byPath.get(othersFile ?? '');
  if (others !== undefined) shown.push(fileRow(others, snapshot.others.packets));
  lines.push(...columns(shown));
  const best = busiestFile(snapshot, announced, byPath);
  if (best !== null) lines.push(`open it with: wireshark ${shellWord(best)}`);
  return lines;
}

/** A line for each link type that lbcap does not know. */
export function unknownLinkTypes(packets: ReadonlyMap<number, number>): string[] {
  return [...packets].map(
    ([linkType, count]) =>
      `lbcap: ${plural(count, 'packet')} of link type ${linkType}, which lbcap cannot read: counted as unclassified, among the others`,
  );
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function fileRow(file: WrittenFile, packets: number): string[] {
  // How many packets a file holds that lacks some nobody has counted.
  const count = file.complete ? plural(packets, 'packet') : 'incomplete';
  return [`  ${file.path}`, count, formatBytes(file.size)];
}

function busiestFile(
  snapshot: Snapshot,
  announced: readonly AnnouncedLabel[],
  files: ReadonlyMap<string, WrittenFile>,
): string | null {
  let best: string | null = null;
  let most = -1;
  snapshot.labels.forEach((label, index) => {
    const path = announced[index]?.file ?? null;
    if (path === null || !files.has(path) || label.total.packets <= most) return;
    most = label.total.packets;
    best = path;
  });
  return best;
}
