/** The table's columns: what they show, how they look, and which go first in a narrow terminal. */
import type { Tone } from './colour.js';
import { gap } from './grid.js';
import type { Row } from './rows.js';
import { formatBytes, formatCount } from './units.js';

export interface Column {
  /** Above the titles of neighbours that belong together. */
  readonly group: '' | 'out' | 'in' | 'rate' | 'tcp';
  readonly title: string;
  /** Where not every column has room. */
  readonly short: string;
  readonly align: 'left' | 'right';
  readonly text: (row: Row) => string;
  readonly tone: (row: Row) => Tone;
  /** For columns of text: may be cut to this many characters. */
  readonly least?: number;
}

/** A column with the width that it got. */
export interface FittedColumn {
  readonly column: Column;
  readonly title: string;
  readonly width: number;
}

const plain = (): Tone => 'plain';
const unknown = '-';
/** A text this long is not cut to make room for a column that matters less: any IPv4 address. */
const usualText = 16;

function count(
  group: Column['group'],
  title: string,
  short: string,
  of: (row: Row) => number | null,
  format: (value: number) => string = formatCount,
  trouble: Tone = 'plain',
): Column {
  return {
    group,
    title,
    short,
    align: 'right',
    text: (row) => {
      const value = of(row);
      return value === null ? unknown : format(value);
    },
    tone: (row) => ((of(row) ?? 0) === 0 ? 'faint' : trouble),
  };
}

const label: Column = {
  group: '',
  title: 'label',
  short: 'label',
  align: 'left',
  text: (row) => row.label,
  tone: () => 'name',
  least: 12,
};
const address: Column = {
  group: '',
  title: 'address',
  short: 'address',
  align: 'left',
  text: (row) => row.address,
  tone: plain,
  least: 9,
};
const outPackets = count('out', 'packets', 'packets', (row) => row.outPackets);
const outBytes = count('out', 'bytes', 'bytes', (row) => row.outBytes, formatBytes);
const inPackets = count('in', 'packets', 'packets', (row) => row.inPackets);
const inBytes = count('in', 'bytes', 'bytes', (row) => row.inBytes, formatBytes);
const byteRate = count('rate', 'bytes', 'bytes', (row) => row.byteRate, formatBytes);
const packetRate = count('rate', 'packets', 'packets', (row) => row.packetRate);
const open = count('tcp', 'open', 'open', (row) => row.open);
const resets = count('tcp', 'resets', 'rst', (row) => row.resets, formatCount, 'warning');
const retransmissions = count(
  'tcp',
  'retrans',
  'retr',
  (row) => row.retransmissions,
  formatCount,
  'warning',
);
const unanswered = count('tcp', 'no reply', 'syn?', (row) => row.unanswered, formatCount, 'alarm');
const busiestPeer: Column = {
  group: '',
  title: 'busiest peer',
  short: 'busiest peer',
  align: 'left',
  text: (row) => row.busiestPeer ?? '',
  tone: plain,
  least: 14,
};

const inOrder: readonly Column[] = [
  label,
  address,
  outPackets,
  outBytes,
  inPackets,
  inBytes,
  byteRate,
  packetRate,
  open,
  resets,
  retransmissions,
  unanswered,
  busiestPeer,
];

/** The last are the first to go; those in one list go together. */
const byImportance: readonly (readonly Column[])[] = [
  [label],
  [byteRate],
  [outBytes, inBytes],
  [resets],
  [retransmissions],
  [open],
  [outPackets, inPackets],
  [address],
  [busiestPeer],
  [unanswered],
  [packetRate],
];

/** Columns of trouble, and what the line beneath says when one that is not 0 has no room. */
export const troubles: readonly { column: Column; text: string; of: (row: Row) => number }[] = [
  { column: resets, text: 'resets', of: (row) => row.resets },
  { column: retransmissions, text: 'retransmissions', of: (row) => row.retransmissions },
  { column: unanswered, text: 'unanswered SYNs', of: (row) => row.unanswered },
];

/** The columns that fit into `width`, in the table's order, at most `width` wide together. */
export function fitColumns(rows: readonly Row[], width: number): FittedColumn[] {
  const natural = new Map<Column, number>();
  for (const column of inOrder) {
    natural.set(column, Math.max(0, ...rows.map((row) => column.text(row).length)));
  }
  const whole = inOrder.reduce(
    (sum, column) => sum + gap + Math.max(natural.get(column) ?? 0, column.title.length),
    -gap,
  );
  return choose(natural, width, (column) => (whole <= width ? column.title : column.short));
}

function choose(
  natural: ReadonlyMap<Column, number>,
  width: number,
  titleOf: (column: Column) => string,
): FittedColumn[] {
  const widths = new Map<Column, number>();
  const full = (column: Column): number =>
    Math.max(natural.get(column) ?? 0, titleOf(column).length);
  let left = width + gap;
  for (const together of byImportance) {
    const sumOf = (wants: number[]): number => wants.reduce((sum, want) => sum + want + gap, 0);
    const most = (cut: number) => (column: Column) =>
      Math.min(full(column), column.least === undefined ? Infinity : Math.max(cut, column.least));
    let wants = together.map(most(usualText));
    if (sumOf(wants) > left) wants = together.map(most(0));
    if (sumOf(wants) > left && widths.size > 0) continue;
    left -= sumOf(wants);
    together.forEach((column, i) => widths.set(column, wants[i]));
  }
  // What is left lets the texts have their whole length, the most important first.
  for (const column of byImportance.flat()) {
    const has = widths.get(column);
    if (has === undefined || left <= 0) continue;
    const more = Math.min(left, full(column) - has);
    widths.set(column, has + more);
    left -= more;
  }
  return inOrder.flatMap((column) => {
    const has = widths.get(column);
    return has === undefined ? [] : [{ column, title: titleOf(column), width: has }];
  });
}
