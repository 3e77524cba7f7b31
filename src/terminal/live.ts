/** Shows a capture while it runs: a table in place on a terminal, else a plain line now and then. */
import process from 'node:process';
import type { Snapshot } from '../sinks/snapshot.js';
import { colourAllowed, unicodeAllowed, type Environment } from './colour.js';
import { plainLine } from './plain-line.js';
import { Screen, type ProcessEvents, type TerminalStream } from './screen.js';
import { renderTable, type Canvas } from './table.js';

export interface LiveView {
  /** Once a second or so. */
  update(snapshot: Snapshot): void;
  /** A line for the person at the terminal, which stays above the table. */
  notice(line: string): void;
  /** Leaves the final table, its rates being means, and gives the terminal back. Only once. */
  finish(snapshot: Snapshot): void;
}

export interface LiveOptions {
  readonly stream: TerminalStream;
  readonly env: Environment;
  readonly process?: ProcessEvents;
  /**
   * Whether a write to a terminal would not have to wait, as it would once Ctrl-S has stopped it; by
   * default it never has to. Until then no frame is drawn, and notices wait.
   */
  readonly takes?: () => boolean;
}

/** Without a terminal: milliseconds from line to line. */
const plainInterval = 5000;
/** What a terminal has that does not say. */
const usual = { columns: 80, rows: 24 };
/** Without a terminal nothing says how wide the reader's is. */
const plainWidth = 120;

/**
 * A view on `stream`, which is stderr: stdout is for programs. TERM=dumb is no terminal.
 *
 * On a terminal it listens for resizing, Ctrl-Z and the process's exit until `finish`, so that the
 * cursor comes back on every way out that a program can see.
 */
export function createLiveView({
  stream,
  env,
  process: events = process,
  takes = () => true,
}: LiveOptions): LiveView {
  const terminal = stream.isTTY === true && env['TERM'] !== 'dumb';
  return terminal ? tableView(stream, env, events, takes) : plainView(stream, env);
}

function tableView(
  stream: TerminalStream,
  env: Environment,
  events: ProcessEvents,
  takes: () => boolean,
): LiveView {
  let previous: Snapshot | null = null;
  let current: Snapshot | null = null;
  const canvas = (height: number): Canvas => ({
    width: stream.columns || usual.columns,
    height,
    colour: colourAllowed(env, true),
    unicode: unicodeAllowed(env),
  });
  const redraw = (): void => {
    if (current !== null) {
      screen.draw(renderTable(previous, current, canvas(stream.rows || usual.rows)));
    }
  };
  const screen = new Screen(stream, events, redraw, takes);
  return {
    update(snapshot) {
      previous = current;
      current = snapshot;
      redraw();
    },
    notice(line) {
      screen.print([line]);
      redraw();
    },
    finish(snapshot) {
      screen.close(renderTable(null, snapshot, canvas(Infinity)));
    },
  };
}

function plainView(stream: TerminalStream, env: Environment): LiveView {
  let previous: Snapshot | null = null;
  const columns = Number(env['COLUMNS']);
  const canvas: Canvas = {
    width: stream.columns || (columns >= 20 ? columns : plainWidth),
    height: Infinity,
    colour: colourAllowed(env, stream.isTTY === true),
    unicode: unicodeAllowed(env),
  };
  // A reader that goes away, as in `2>&1 | head`, must not end the capture.
  let gone = false;
  stream.on('error', () => {
    gone = true;
  });
  const write = (lines: readonly string[]): void => {
    if (!gone) stream.write(`${lines.join('\n')}\n`);
  };
  return {
    update(snapshot) {
      const since = previous === null ? snapshot.elapsed : snapshot.at - previous.at;
      if (since < plainInterval) return;
      write([plainLine(snapshot, previous)]);
      previous = snapshot;
    },
    notice(line) {
      write([line]);
    },
    finish(snapshot) {
      write(renderTable(null, snapshot, canvas));
    },
  };
}
