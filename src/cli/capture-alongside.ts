/** `run --watch`: an `lbcap watch` of the label, for as long as the program runs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LbcapError } from '../errors.js';
import type { Label } from '../labels/label.js';

/** What is of interest in watch's `end` event. */
interface EndEvent {
  readonly event: 'end';
  readonly labels: readonly {
    readonly packets: number;
    readonly bytes: number;
    readonly file: string | null;
  }[];
  readonly kernelDropped: number | null;
}

export interface CaptureEnd {
  readonly packets: number;
  readonly file: string | null;
  readonly dropped: number | null;
  /** watch's own exit status. */
  readonly status: number;
}

/** A capture that has begun: whatever is sent from now on is in it. */
export interface Capture {
  /** Which captures, as watch's start event has it. */
  readonly engine: string;
  /** Ends it, its files complete. @throws LbcapError `CAPTURE_FAILED` */
  stop(): Promise<CaptureEnd>;
}

/** As much of watch's complaints as is kept. */
const mostText = 16_384;

/**
 * A process of its own, which gives up root for its files while this one still needs it, and whose
 * terminal keys are not meant for it. Should this process be killed, it ends as its standard
 * output breaks, within the second to its next sample.
 *
 * @param words options of watch
 * @throws LbcapError `CAPTURE_FAILED` with watch's own words when it cannot begin
 */
export async function startCapture(label: Label, words: readonly string[]): Promise<Capture> {
  const registry = emptyRegistry();
  let watch: ChildProcess;
  try {
    const entry = process.argv[1];
    const option = `${label.name}=${label.text}`;
    watch = spawn(
      process.execPath,
      [entry, 'watch', '--json', '--labels', '/dev/stdin', '-l', option, ...words],
      { stdio: [registry, 'pipe', 'pipe'], detached: true },
    );
  } finally {
    closeSync(registry);
  }
  const ended = new Promise<number>((resolve, reject) => {
    watch.once('error', reject);
    watch.once('close', (status, signal) => {
      resolve(signal === null ? (status ?? 0) : 1);
    });
  });
  let complaints = '';
  watch.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-mostText);
  });
  const ends: EndEvent[] = [];
  const started = new Promise<string>((resolve) => {
    if (watch.stdout === null) return;
    createInterface({ input: watch.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { event: string; engine?: string };
      if (event.event === 'start') resolve(event.engine ?? '');
      if (event.event === 'end') ends.push(event as EndEvent);
    });
  });
  const failure = () =>
    new LbcapError('CAPTURE_FAILED', lastComplaint(complaints) ?? 'lbcap watch ended by itself');
  const engine = await Promise.race([
    started,
    ended.then(() => {
      throw failure();
    }),
  ]);
  return {
    engine,
    async stop() {
      watch.kill('SIGTERM');
      const status = await ended;
      const last = ends.at(-1);
      if (last === undefined) throw failure();
      return {
        packets: last.labels[0].packets,
        file: last.labels[0].file,
        dropped: last.kernelDropped,
        status,
      };
    },
  };
}

/** A registry without labels, so that only the program's own is captured; gone when it is closed. */
function emptyRegistry(): number {
  const directory = mkdtempSync(join(tmpdir(), 'lbcap-'));
  try {
    const path = join(directory, 'labels.json');
    writeFileSync(path, '{"labels":{}}\n');
    return openSync(path, 'r');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function lastComplaint(text: string): string | null {
  const lines = text.split('\n').filter((line) => line.startsWith('lbcap: '));
  return lines.at(-1)?.slice('lbcap: '.length) ?? null;
}
