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

/** One line of text for each row. Cells must fit their columns; they may hold colour. */
export function drawGrid(
  columns: readonly GridColumn[],
  rows: readonly (readonly (string | GridCell)[])[],
): string[] {
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
