/** Draws the rows of a moment as lines of text. */
import type { Snapshot } from '../sinks/snapshot.js';
import { paint } from './colour.js';
import { captureColumns, troubles } from './columns.js';
import { fitColumns, type FittedColumn } from './fit.js';
import { drawGrid, gap, type GridCell } from './grid.js';
import { captureNotes, type Note } from './notes.js';
import { tableRows, type Row, type Rows } from './rows.js';
import { formatCount } from './units.js';

/** What the terminal is like. */
export interface Canvas {
  /** Columns. */
  readonly width: number;
  /** Lines that may be used; `Infinity` where it scrolls. */
  readonly height: number;
  readonly colour: boolean;
  readonly unicode: boolean;
}

/** Lines around the rows: two of titles and a rule; a rule and the total. */
const headLines = 3;
const totalLines = 2;
/** No terminal scrolls through more; `--json` has them all. */
const mostRows = 100;

/**
 * The table and the line beneath it: no line wider than the canvas, not more lines than it has.
 * Where labels do not fit, the quieter ones are left out and it says how many.
 *
 * @param previous rates are since then; `null`: means since the start
 */
export function renderTable(
  previous: Snapshot | null,
  current: Snapshot,
  canvas: Canvas,
): string[] {
  const count = current.labels.length;
  const around = headLines + (count > 1 ? totalLines : 0);
  let notes = captureNotes(current);
  for (;;) {
    const beneath = flow(notes, canvas);
    const room = Math.min(canvas.height - around - beneath.length, mostRows);
    // One line of a room that is too small is for "… and 7 more".
    const rows = tableRows(previous, current, count <= room ? count : Math.max(1, room - 1));
    const drawn = rows.total === null ? rows.rows : [...rows.rows, rows.total];
    const columns = fitColumns(captureColumns, drawn, canvas.width);
    const hidden = hiddenTroubles(rows, columns).filter(
      ({ text }) => !notes.some((note) => note.text === text),
    );
    if (hidden.length === 0) {
      return [...drawRows(rows, columns, canvas), ...beneath].slice(0, canvas.height);
    }
    // Before the last, which is the time.
    notes = [...notes.slice(0, -1), ...hidden, ...notes.slice(-1)];
  }
}

function drawRows(rows: Rows, columns: readonly FittedColumn<Row>[], canvas: Canvas): string[] {
  const { colour, unicode } = canvas;
  const dash = unicode ? '─' : '-';
  const rule = columns.map(({ width }) => paint(dash.repeat(width), 'faint', colour));
  const cells = (row: Row): string[] =>
    columns.map(({ column, width }) =>
      paint(shorten(column.text(row), width, unicode), column.tone(row), colour),
    );
  const grid = columns.map(({ column, width }) => ({ width, align: column.align }));
  const lines = drawGrid(grid, [
    groupCells(columns, rows.mean, colour),
    columns.map(({ title }) => paint(title, 'faint', colour)),
    rule,
    ...rows.rows.map(cells),
  ]);
  if (rows.more > 0) {
    const text = `${unicode ? '…' : '...'} and ${formatCount(rows.more)} more`;
    lines.push(paint(text.slice(0, canvas.width), 'faint', colour));
  }
  if (rows.total !== null) lines.push(...drawGrid(grid, [rule, cells(rows.total)]));
  return lines;
}

/** The line above the titles: one cell over each run of columns of one group. */
function groupCells(
  columns: readonly FittedColumn<Row>[],
  mean: boolean,
  colour: boolean,
): GridCell[] {
  const cells: GridCell[] = [];
  for (let i = 0; i < columns.length;) {
    const { group } = columns[i].column;
    let span = 1;
    let width = columns[i].width;
    for (; columns[i + span]?.column.group === group; span++)
      width += gap + columns[i + span].width;
    const words = group === 'rate' ? rateWords(mean, width) : group;
    const content = paint(words, 'faint', colour);
    cells.push({ content, span, align: span === 1 ? 'right' : 'center' });
    i += span;
  }
  return cells;
}

function rateWords(mean: boolean, width: number): string {
  const long = mean ? 'average/s' : 'per second';
  if (long.length <= width) return long;
  return mean ? 'avg/s' : '/s';
}

/** Notes side by side, on as many lines as they take. */
export function flow(notes: readonly Note[], { width, colour, unicode }: Canvas): string[] {
  const separator = unicode ? ' · ' : ' | ';
  const lines: string[] = [];
  let line = '';
  let length = 0;
  for (const note of notes) {
    const text = shorten(note.text, width, unicode);
    if (length > 0 && length + separator.length + text.length > width) {
      lines.push(line);
      line = '';
      length = 0;
    }
    if (length > 0) line += paint(separator, 'faint', colour);
    line += paint(text, note.tone, colour);
    length += text.length + (length > 0 ? separator.length : 0);
  }
  lines.push(line);
  return lines;
}

/** What a narrow table would otherwise keep quiet about. */
function hiddenTroubles(rows: Rows, columns: readonly FittedColumn<Row>[]): Note[] {
  const row = rows.total ?? rows.rows[0];
  return troubles
    .filter(({ column, of }) => of(row) > 0 && !columns.some((fitted) => fitted.column === column))
    .map(({ text, of }) => ({ text: `${text} ${formatCount(of(row))}`, tone: 'warning' }));
}

/** Cut in the middle: what tells names apart is often their end. */
export function shorten(text: string, width: number, unicode: boolean): string {
  if (text.length <= width) return text;
  if (width <= 1) return text.slice(0, width);
  const front = Math.ceil((width - 1) / 2);
  const back = width - 1 - front;
  return text.slice(0, front) + (unicode ? '…' : '~') + text.slice(text.length - back);
}
