/** Cells in columns of fixed width, without borders: cli-table3 set up the way lbcap's tables look. */
import Table from 'cli-table3';

export interface GridCell {
  readonly content: string;
  /** How many columns it stands over. */
  readonly span?: number;
  readonly align?: 'left' | 'center' | 'right';
}

export interface GridColumn {
  readonly width: number;
  readonly align: 'left' | 'right';
}

/** Characters between two columns. */
export const gap = 2;

const sides = [
  ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left'],
  ...['bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
];
// One space between columns, the rest as padding: the library takes a separator to be one wide
// when it adds up what a spanning cell covers.
const characters = { ...Object.fromEntries(sides.map((side) => [side, ''])), middle: ' ' };

/**
 * Lines that were laid out, by their cells: in a table that is drawn every second most rows come again,
 * titles among them, and the library takes half a millisecond for each.
 */
const known = new Map<string, string>();
/** More are forgotten, all of them: a large table has some hundred. */
const mostKnown = 512;

type GridRow = readonly (string | GridCell)[];

/** One line of text for each row. Cells must fit their columns; they may hold colour. */
export function drawGrid(columns: readonly GridColumn[], rows: readonly GridRow[]): string[] {
  const layout = JSON.stringify(columns);
  const keys = rows.map((row) => layout + JSON.stringify(row));
  const fresh = new Map<string, GridRow>();
  rows.forEach((row, i) => {
    if (!known.has(keys[i])) fresh.set(keys[i], row);
  });
  const lines = layOut(columns, [...fresh.values()]);
  const drawn = new Map([...fresh.keys()].map((key, i) => [key, lines[i]]));
  const all = keys.map((key) => known.get(key) ?? drawn.get(key) ?? '');
  if (known.size + drawn.size > mostKnown) known.clear();
  if (drawn.size <= mostKnown) for (const [key, line] of drawn) known.set(key, line);
  return all;
}

function layOut(columns: readonly GridColumn[], rows: readonly GridRow[]): string[] {
  if (rows.length === 0) return [];
  const table = new Table({
    chars: characters,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': gap - 1 },
    colWidths: columns.map(({ width }) => width + gap - 1),
    colAligns: columns.map(({ align }) => align),
  });
  for (const row of rows) {
    table.push(
      row.map((cell) => {
        if (typeof cell === 'string') return cell;
        const { content, span = 1, align } = cell;
        return { content, colSpan: span, ...(align === undefined ? {} : { hAlign: align }) };
      }),
    );
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}
