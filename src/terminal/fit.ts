/** Which columns of a table fit into a width, and how wide they become. Pure. */
import type { Tone } from './colour.js';
import { gap } from './grid.js';

/** A column of a table whose rows are `R`. */
export interface Column<R> {
  /** Above the titles of neighbours that belong together. */
  readonly group: string;
  readonly title: string;
  /** Where not every column has room. */
  readonly short: string;
  readonly align: 'left' | 'right';
  readonly text: (row: R) => string;
  readonly tone: (row: R) => Tone;
  /** For columns of text: may be cut to this many characters. */
  readonly least?: number;
}

/** A column with the width that it got. */
export interface FittedColumn<R> {
  readonly column: Column<R>;
  readonly title: string;
  readonly width: number;
}

export interface ColumnSet<R> {
  readonly inOrder: readonly Column<R>[];
  /** The last are the first to go; those in one list go together. */
  readonly byImportance: readonly (readonly Column<R>[])[];
}

/** A text this long is not cut to make room for a column that matters less: any IPv4 address. */
const usualText = 16;

/** The columns that fit into `width`, in the table's order, at most `width` wide together. */
export function fitColumns<R>(
  { inOrder, byImportance }: ColumnSet<R>,
  rows: readonly R[],
  width: number,
): FittedColumn<R>[] {
  const natural = new Map<Column<R>, number>();
  for (const column of inOrder) {
    natural.set(column, Math.max(0, ...rows.map((row) => column.text(row).length)));
  }
  const whole = inOrder.reduce(
    (sum, column) => sum + gap + Math.max(natural.get(column) ?? 0, column.title.length),
    -gap,
  );
  return choose({ inOrder, byImportance }, natural, width, (column) =>
    whole <= width ? column.title : column.short,
  );
}

function choose<R>(
  { inOrder, byImportance }: ColumnSet<R>,
  natural: ReadonlyMap<Column<R>, number>,
  width: number,
  titleOf: (column: Column<R>) => string,
): FittedColumn<R>[] {
  const widths = new Map<Column<R>, number>();
  const full = (column: Column<R>): number =>
    Math.max(natural.get(column) ?? 0, titleOf(column).length);
  let left = width + gap;
  for (const together of byImportance) {
    const sumOf = (wants: number[]): number => wants.reduce((sum, want) => sum + want + gap, 0);
    const most = (cut: number) => (column: Column<R>) =>
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
