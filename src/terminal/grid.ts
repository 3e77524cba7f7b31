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

type GridRow = readonly (string | GridCell)[];

/** What the library has laid out for some columns: it takes half a millisecond for each row. */
interface Layout {
  /** Before each cell of a row without spans, and behind the last; `null` where a column has no width. */
  readonly gaps: readonly string[] | null;
  /** Lines with spans, by their cells. */
  readonly spanned: Map<string, string>;
}

/** By columns: a table that is drawn every second mostly has the same again. */
const known = new Map<string, Layout>();
/** More are forgotten, all of them. */
const mostKnown = 64;

const filler = '#';
const fillers = /#+/;
/** Colours, as `paint` puts them: they have no width. */
const renditions = /\u001b\[[0-9]+m/g;

/** One line of text for each row. Cells must fit their columns; they may hold colour. */
export function drawGrid(columns: readonly GridColumn[], rows: readonly GridRow[]): string[] {
  const { gaps, spanned } = layoutOf(columns);
  return rows.map((row) => {
    if (gaps !== null && row.every((cell) => typeof cell === 'string')) {
      return fill(columns, gaps, row);
    }
    const key = JSON.stringify(row);
    const line = spanned.get(key) ?? layOut(columns, row);
    if (spanned.size >= mostKnown) spanned.clear();
    spanned.set(key, line);
    return line;
  });
}

function layoutOf(columns: readonly GridColumn[]): Layout {
  const key = JSON.stringify(columns);
  let layout = known.get(key);
  if (layout === undefined) {
    const full = layOut(
      columns,
      columns.map(({ width }) => filler.repeat(width)),
    );
    const gaps = full.split(fillers);
    layout = { gaps: gaps.length === columns.length + 1 ? gaps : null, spanned: new Map() };
    if (known.size >= mostKnown) known.clear();
    known.set(key, layout);
  }
  return layout;
}

/** Puts cells where the library had the fillers. */
function fill(
  columns: readonly GridColumn[],
  gaps: readonly string[],
  cells: readonly string[],
): string {
  let line = gaps[0];
  for (let i = 0; i < columns.length; i++) {
    const { width, align } = columns[i];
    const cell = cells[i];
    const length = cell.includes('\u001b') ? cell.replace(renditions, '').length : cell.length;
    const space = ' '.repeat(Math.max(0, width - length));
    line += (align === 'right' ? space + cell : cell + space) + gaps[i + 1];
  }
  return line.trimEnd();
}

function layOut(columns: readonly GridColumn[], row: GridRow): string {
  const table = new Table({
    chars: characters,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': gap - 1 },
    colWidths: columns.map(({ width }) => width + gap - 1),
    colAligns: columns.map(({ align }) => align),
  });
  table.push(
    row.map((cell) => {
      if (typeof cell === 'string') return cell;
      const { content, span = 1, align } = cell;
      return { content, colSpan: span, ...(align === undefined ? {} : { hAlign: align }) };
    }),
  );
  return table.toString().trimEnd();
}
