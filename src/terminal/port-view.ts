/** Shows ports while they are taken: a table in place on a terminal, else a plain line now and then. */
import process from 'node:process';
import { isNear } from '../loopback/port-limit.js';
import type { PortReport } from '../loopback/port-report.js';
import { colourAllowed, unicodeAllowed, type Environment } from './colour.js';
import { portRows, type PortRow } from './port-rows.js';
import { renderPorts } from './port-table.js';
import { Screen, type ProcessEvents, type TerminalStream } from './screen.js';
import type { Canvas } from './table.js';
import { formatCount, formatDuration } from './units.js';

export interface PortView {
  /** @param before an earlier report, for rates */
  update(before: PortReport | null, now: PortReport): void;
  /** The table as it is, to stay. */
  notice(before: PortReport | null, now: PortReport): void;
  /** Leaves the last table, and gives the terminal back. Only once. */
  finish(before: PortReport | null, now: PortReport): void;
}

export interface PortViewOptions {
  readonly stream: TerminalStream;
  readonly env: Environment;
  readonly process?: ProcessEvents;
}

/** What a terminal has that does not say, and a reader that is none. */
const usual = { columns: 80, rows: 24, plainColumns: 160 } as const;
/** A line of a log should stay one: this many servers are named. */
const mostServers = 4;

/** The table once, for a program's output that may be a terminal. */
export function renderPortsFor(
  stream: Pick<TerminalStream, 'isTTY' | 'columns'>,
  env: Environment,
  before: PortReport | null,
  now: PortReport,
): string[] {
  return renderPorts(before, now, scrolling(stream, env));
}

/** A view on `stream`, which is stderr: stdout is for programs. TERM=dumb is no terminal. */
export function createPortView({
  stream,
  env,
  process: events = process,
}: PortViewOptions): PortView {
  const terminal = stream.isTTY === true && env['TERM'] !== 'dumb';
  return terminal ? tableView(stream, env, events) : plainView(stream, env);
}

function scrolling(stream: Pick<TerminalStream, 'isTTY' | 'columns'>, env: Environment): Canvas {
  const columns = Number(env['COLUMNS']);
  const terminal = stream.isTTY === true;
  const otherwise = terminal ? usual.columns : usual.plainColumns;
  return {
    width: stream.columns || (columns >= 20 ? columns : otherwise),
    height: Infinity,
    colour: colourAllowed(env, terminal),
    unicode: unicodeAllowed(env),
  };
}

function tableView(stream: TerminalStream, env: Environment, events: ProcessEvents): PortView {
  let shown: { before: PortReport | null; now: PortReport } | null = null;
  const redraw = (): void => {
    if (shown === null) return;
    const canvas = { ...scrolling(stream, env), height: stream.rows || usual.rows };
    screen.draw(renderPorts(shown.before, shown.now, canvas));
  };
  const screen = new Screen(stream, events, redraw);
  return {
    update(before, now) {
      shown = { before, now };
      redraw();
    },
    notice(before, now) {
      screen.print(renderPorts(before, now, scrolling(stream, env)));
      redraw();
    },
    finish(before, now) {
      screen.close(renderPorts(before, now, scrolling(stream, env)));
    },
  };
}

function plainView(stream: TerminalStream, env: Environment): PortView {
  // A reader that goes away, as in `2>&1 | head`, must not end it.
  let gone = false;
  stream.on('error', () => {
    gone = true;
  });
  const write = (lines: readonly string[]): void => {
    if (!gone) stream.write(`${lines.join('\n')}\n`);
  };
  const table = (before: PortReport | null, now: PortReport): void => {
    write(renderPorts(before, now, scrolling(stream, env)));
  };
  return {
    update(before, now) {
      write([portLine(portRows(before, now))]);
    },
    notice: table,
    finish: table,
  };
}

/** `kafka-client 127.0.0.1:9092 1,204 ports, fullest address 4.3 %; …`. */
export function portLine(rows: readonly PortRow[]): string {
  const named = rows.slice(0, mostServers).map((row) => {
    const { label, server, used, fullest, secondsLeft } = row;
    if (server === null || fullest === null) return `${label} no connections`;
    const share = `${formatCount(fullest.taken)} of ${formatCount(fullest.of)} at ${fullest.address}`;
    const words = [`${label} ${server} ${formatCount(used)} ports`, share];
    if (secondsLeft !== null && isNear(fullest)) {
      words.push(secondsLeft === 0 ? 'full' : `full in ${formatDuration(secondsLeft * 1000)}`);
    }
    return words.join(', ');
  });
  if (rows.length > named.length) named.push(`and ${formatCount(rows.length - named.length)} more`);
  return named.join('; ');
}
