/** Draws how many ports labels have taken as lines of text. Pure. */
import { isNear } from '../loopback/port-limit.js';
import type { PortReport } from '../loopback/port-report.js';
import { countPorts, usablePorts } from '../loopback/port-range.js';
import { paint, type Tone } from './colour.js';
import { fitColumns, type Column, type ColumnSet } from './fit.js';
import { drawGrid } from './grid.js';
import type { Note } from './notes.js';
import { portRows, type PortRow } from './port-rows.js';
import { flow, shorten, type Canvas } from './table.js';
import { formatCount, formatDuration, formatPercent } from './units.js';

const none = '-';
const plain = (): Tone => 'plain';

function text(
  title: string,
  least: number,
  of: (row: PortRow) => string,
  tone = plain,
): Column<PortRow> {
  return { group: '', title, short: title, align: 'left', text: of, tone, least };
}

function count(title: string, short: string, of: (row: PortRow) => number | null): Column<PortRow> {
  return {
    group: '',
    title,
    short,
    align: 'right',
    text: (row) => countText(of(row)),
    tone: (row) => ((of(row) ?? 0) === 0 ? 'faint' : 'plain'),
  };
}

function countText(value: number | null): string {
  if (value === null) return none;
  return value > Number.MAX_SAFE_INTEGER ? 'no limit' : formatCount(value);
}

const label = text(
  'label',
  12,
  (row) => row.label,
  () => 'name',
);
const address = text('address', 9, (row) => row.address);
const server = text('server', 14, (row) => row.server ?? none);
const used = count('ports in use', 'used', (row) => row.used);
const established = count('established', 'estab', (row) => row.established);
const timeWait = count('TIME_WAIT', 'wait', (row) => row.timeWait);
const other = count('other', 'other', (row) => row.other);
const free = count('free', 'free', (row) => row.free);
const fullest: Column<PortRow> = {
  group: '',
  title: 'fullest address',
  short: 'full',
  align: 'right',
  text: ({ fullest }) => (fullest === null ? none : formatPercent(fullest.taken, fullest.of)),
  tone: ({ fullest }) => {
    if (fullest === null || fullest.taken === 0) return 'faint';
    if (!isNear(fullest)) return 'plain';
    return fullest.taken >= fullest.of ? 'alarm' : 'warning';
  },
};
const growth: Column<PortRow> = {
  group: '',
  title: 'per second',
  short: '/s',
  align: 'right',
  text: ({ perSecond }) => {
    if (perSecond === null) return none;
    const rounded = Math.round(perSecond);
    return rounded > 0 ? `+${formatCount(rounded)}` : formatCount(rounded);
  },
  tone: ({ perSecond }) => (Math.round(perSecond ?? 0) === 0 ? 'faint' : 'plain'),
};
const fullIn: Column<PortRow> = {
  group: '',
  title: 'full in',
  short: 'full in',
  align: 'right',
  text: (row) => timeLeft(row),
  tone: ({ secondsLeft }) =>
    secondsLeft === null ? 'faint' : secondsLeft < 60 ? 'warning' : 'plain',
};

const portColumns: ColumnSet<PortRow> = {
  inOrder: [
    ...[label, address, server, used, established, timeWait, other, free, fullest, growth, fullIn],
  ],
  byImportance: [
    ...[[label], [used], [fullest], [free], [server], [timeWait], [fullIn], [address]],
    ...[[established], [growth], [other]],
  ],
};

/** `now`, `42 s`, `1:05`; a guess beyond a day is none. */
function timeLeft({ secondsLeft }: PortRow): string {
  if (secondsLeft === null || secondsLeft > 86_400) return none;
  return secondsLeft === 0 ? 'now' : formatDuration(secondsLeft * 1000);
}

/** Lines of titles and of the rule beneath them. */
const headLines = 2;

/**
 * The table and the lines beneath it: no line wider than the canvas, not more lines than it has.
 *
 * @param before an earlier report, for rates
 */
export function renderPorts(
  before: PortReport | null,
  now: PortReport,
  { width, height, colour, unicode }: Canvas,
): string[] {
  const rows = portRows(before, now);
  const beneath = flow(portNotes(now), { width, height, colour, unicode });
  const room = Math.max(1, height - headLines - beneath.length);
  const shown = rows.length <= room ? rows : rows.slice(0, Math.max(1, room - 1));
  const columns = fitColumns(portColumns, shown, width);
  const lines = drawGrid(
    columns.map(({ column, width }) => ({ width, align: column.align })),
    [
      columns.map(({ title }) => paint(title, 'faint', colour)),
      columns.map(({ width }) => paint((unicode ? '─' : '-').repeat(width), 'faint', colour)),
      ...shown.map((row) =>
        columns.map(({ column, width }) =>
          paint(shorten(column.text(row), width, unicode), column.tone(row), colour),
        ),
      ),
    ],
  );
  if (rows.length > shown.length) {
    const more = `${unicode ? '…' : '...'} and ${formatCount(rows.length - shown.length)} more`;
    lines.push(paint(more.slice(0, width), 'faint', colour));
  }
  return [...lines, ...beneath].slice(0, height);
}

/** Where the numbers are from. */
function portNotes({ ports, listening, reuse, labels }: PortReport): Note[] {
  const { first, last } = ports.range;
  const all = countPorts(usablePorts({ ...ports, reserved: [] }, []));
  const reserved = all - countPorts(usablePorts(ports, []));
  const notes: Note[] = [
    {
      text: `${formatCount(all - reserved - listening)} ports for each address and server`,
      tone: 'plain',
    },
    { text: `${ports.origin} ${first} to ${last}`, tone: 'faint' },
  ];
  if (reserved > 0) notes.push({ text: `${formatCount(reserved)} reserved`, tone: 'faint' });
  if (listening > 0) {
    notes.push({ text: `${formatCount(listening)} taken by listeners`, tone: 'faint' });
  }
  const reusable = labels
    .flatMap(({ servers }) => servers)
    .reduce((sum, server) => sum + server.reusable, 0);
  if (reusable > 0) {
    const text = `${formatCount(reusable)} in TIME_WAIT are free again (tcp_tw_reuse ${reuse.mode})`;
    notes.push({ text, tone: 'faint' });
  }
  const peers = labels.filter(({ addresses }) => addresses === 0).map(({ label }) => label.name);
  if (peers.length > 0) {
    const text = `${peers.join(', ')}: at a port of its own, takes none`;
    notes.push({ text, tone: 'faint' });
  }
  return notes;
}
