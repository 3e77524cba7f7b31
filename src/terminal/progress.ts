/** A progress bar for long files: one line on a terminal, gone when the work is done. */
import { performance } from 'node:perf_hooks';
import { colourAllowed, paint, unicodeAllowed, type Environment } from './colour.js';
import type { TerminalStream } from './screen.js';
import { formatBytes, formatDuration, formatPercent } from './units.js';

export interface Progress {
  /** As often as wanted: it draws ten times a second at most. */
  update(position: number): void;
  /** Takes the bar away. */
  finish(): void;
}

export interface ProgressOptions {
  readonly stream: Pick<TerminalStream, 'isTTY' | 'columns' | 'write'>;
  readonly env: Environment;
  /** What is read: `trace.pcap`. */
  readonly name: string;
  /** Bytes in all; `null` for a stream, which has no percentage. */
  readonly total: number | null;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** What is over sooner needs no bar. */
const patience = 500;
const interval = 100;
const barWidth = { least: 8, most: 30 };
const eraseLine = '\r\u001b[2K';

/** A bar for one file. Without a terminal it does nothing. */
export function createProgress(options: ProgressOptions): Progress {
  const { stream, env, now = () => performance.now() } = options;
  if (stream.isTTY !== true || env['TERM'] === 'dumb') {
    return { update: () => undefined, finish: () => undefined };
  }
  const started = now();
  let next = started + patience;
  let shown = false;
  return {
    update(position) {
      const time = now();
      if (time < next) return;
      next = time + interval;
      shown = true;
      const line = progressLine(options, position, time - started, (stream.columns || 80) - 1);
      stream.write(eraseLine + line);
    },
    finish() {
      next = Infinity;
      if (shown) stream.write(eraseLine);
      shown = false;
    },
  };
}

/** `trace.pcap ━━━━━━━━──────── 48 % · 1.2G of 2.5G · 310M/s · 4.2 s left`, at most `width` wide. */
export function progressLine(
  { env, name, total, stream }: ProgressOptions,
  position: number,
  elapsed: number,
  width: number,
): string {
  const unicode = unicodeAllowed(env);
  const colour = colourAllowed(env, stream.isTTY === true);
  const rate = elapsed > 0 ? (position * 1000) / elapsed : 0;
  const speed = `${formatBytes(rate)}/s`;
  if (total === null || total <= 0) {
    const words = [name, formatBytes(position), speed, formatDuration(elapsed)];
    return fit(words, width, unicode).join(separatorOf(unicode));
  }
  // A file that grows while it is read: never beyond the end.
  const done = Math.min(position, total);
  const words = [formatPercent(done, total)];
  if (rate > 0) words.push(`${formatDuration(((total - done) * 1000) / rate)} left`);
  words.push(speed, `${formatBytes(done)} of ${formatBytes(total)}`);
  const fitting = fit(words, width - barWidth.least - 1, unicode).join(separatorOf(unicode));
  let room = width - fitting.length - 1;
  const front = name.length + 1 + barWidth.least <= room ? `${name} ` : '';
  room = Math.max(0, Math.min(barWidth.most, room - front.length));
  const full = Math.floor((room * done) / total);
  const [heavy, light] = unicode ? ['━', '─'] : ['#', '.'];
  const bar = heavy.repeat(full) + paint(light.repeat(room - full), 'faint', colour);
  return `${front}${bar} ${fitting}`;
}

function separatorOf(unicode: boolean): string {
  return unicode ? ' · ' : ' | ';
}

/** The first words that fit, at least one. */
function fit(words: readonly string[], width: number, unicode: boolean): string[] {
  const fitting = [...words];
  while (fitting.length > 1 && fitting.join(separatorOf(unicode)).length > width) fitting.pop();
  return fitting;
}
