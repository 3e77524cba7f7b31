/** The words before and after a capture, for people. Pure: lines of text. */
import { firstOf, type Sequence } from '../sequence.js';
import type { LeftOut } from '../sources/source.js';
import type { Snapshot } from '../sinks/snapshot.js';
import type { WrittenFile } from '../sinks/output.js';
import type { AnnouncedLabel } from '../terminal/events.js';
import { formatBytes, formatCount } from '../terminal/units.js';
import type { OutputOptions } from './output-options.js';
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
  labels: Sequence<AnnouncedLabel>,
  othersFile: string | null,
  options: OutputOptions | null,
): string[] {
  const rotates = options !== null && options.rotation !== null;
  const place = (file: string | null) => {
    if (options === null) return 'not written';
    if (file === null) return 'standard output';
    return rotates ? `${file} …` : file;
  };
  const rows = firstOf(labels, mostNamed).map((label) => [
    `  ${label.name}`,
    label.address,
    place(label.file),
    label.filters.wireshark,
  ]);
  if (labels.length > mostNamed) rows.push([`  … and ${labels.length - mostNamed} more`]);
  if (options?.others === true) rows.push(['  others', 'no label', place(othersFile)]);
  return columns(rows);
}

/** A file that is complete while the capture goes on. */
export function finishedFile({ path, packets, size, complete }: WrittenFile): string {
  const state = complete ? 'is complete' : 'is incomplete';
  return `${path} ${state}, ${plural(packets, 'packet')}, ${formatBytes(size)}`;
}

/** The account, the files, and the command that opens them. */
export function conclusion(
  snapshot: Snapshot,
  announced: Sequence<AnnouncedLabel>,
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
  const rows: string[][] = [];
  const others: string[][] = [];
  for (const own of byOutput(files)) {
    (own[0].output < announced.length ? rows : others).push(...fileRows(own));
  }
  // Whatever else has no room, a file that is not complete is named.
  const isIncomplete = (row: readonly string[]) => row[1] === 'incomplete';
  rows.sort((a, b) => Number(isIncomplete(b)) - Number(isIncomplete(a)));
  const shown = rows.slice(0, Math.max(mostNamed, rows.filter(isIncomplete).length));
  if (rows.length > shown.length) shown.push([`  … and ${rows.length - shown.length} more`]);
  shown.push(...others);
  lines.push(...columns(shown));
  const best = busiestFile(snapshot, files);
  if (best !== null) lines.push(`open it with: wireshark ${shellWord(best)}`);
  return lines;
}

/** Files in the order of their outputs, those of one together. */
function byOutput(files: readonly WrittenFile[]): WrittenFile[][] {
  const groups: WrittenFile[][] = [];
  for (const file of files) {
    const last = groups.at(-1);
    if (last?.[0].output === file.output) last.push(file);
    else groups.push([file]);
  }
  return groups;
}

/** More files of one label than this are shown as from one to the other. */
const mostFiles = 3;

function fileRows(files: readonly WrittenFile[]): string[][] {
  const complete = files.filter((file) => file.complete);
  const rows = files.filter((file) => !file.complete).map(fileRow);
  if (complete.length <= mostFiles) return [...complete.map(fileRow), ...rows];
  const sum = (of: (file: WrittenFile) => number) =>
    complete.reduce((total, file) => total + of(file), 0);
  return [
    [
      `  ${complete[0].path} … ${complete[complete.length - 1].path}`,
      plural(
        sum(({ packets }) => packets),
        'packet',
      ),
      formatBytes(sum(({ size }) => size)),
      `${formatCount(complete.length)} files`,
    ],
    ...rows,
  ];
}

/** What a repair has skipped. */
export function damageLine(name: string, { bytes, places }: LeftOut): string {
  return `lbcap: ${name} is damaged: ${plural(bytes, 'byte')} left out, at ${plural(places, 'place')}`;
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

function fileRow(file: WrittenFile): string[] {
  // How many packets a file holds that lacks some nobody has counted.
  const count = file.complete ? plural(file.packets, 'packet') : 'incomplete';
  return [`  ${file.path}`, count, formatBytes(file.size)];
}

/** The newest complete file of the label with most packets that has one. */
function busiestFile(snapshot: Snapshot, files: readonly WrittenFile[]): string | null {
  let best: string | null = null;
  let most = -1;
  for (const { output, path, complete } of files) {
    if (!complete) continue;
    const packets = snapshot.labels.at(output)?.total.packets ?? -1;
    if (packets < most || packets < 0) continue;
    best = path;
    most = packets;
  }
  return best;
}
