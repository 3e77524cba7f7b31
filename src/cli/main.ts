#!/usr/bin/env node
/** The `lbcap` program: answers `filter` and starts `run` at once, and hands all else to commander. */
import { writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { reportFailure } from './failure.js';
import { filterDirectly } from './filter-direct.js';
import { loadBundle } from './load-bundle.js';
import { isSystemError } from '../errors.js';

// They are bundled apart (.ci/bundle.ts): each loads what it needs and no more. No await at the top
// level, since the bundles are CommonJS.
const [command, ...words] = process.argv.slice(2);
if (command === 'run') {
  run(words).catch(reportFailure);
} else if (command === 'split') {
  split().catch(reportFailure);
} else if (command !== 'filter' || !answerFilter(words)) {
  askCommander().catch(reportFailure);
}

async function run(words: readonly string[]): Promise<void> {
  const { runDirectly } = bundle('run-direct') as typeof import('./run-direct.js');
  if (!(await runDirectly(words))) await askCommander();
}

async function split(): Promise<void> {
  // Threads that read and write: one processor is for the walk, and they only get in its way there. But
  // compressing is most of the work. Node starts 4 unless told, and asks when the first is needed.
  const isCompressing = words.some((word) => word.startsWith('--compress'));
  const threads = isCompressing ? Math.max(2, availableParallelism()) : availableParallelism() - 1;
  process.env['UV_THREADPOOL_SIZE'] ??= String(Math.min(4, Math.max(1, threads)));
  const { main } = bundle('split-program') as typeof import('./split-program.js');
  await main(process.argv);
}

async function askCommander(): Promise<void> {
  const { main } = bundle('program') as typeof import('./program.js');
  await main(process.argv);
}

function bundle(name: string): unknown {
  return loadBundle(fileURLToPath(new URL(`./${name}.cjs`, import.meta.url)));
}

/** False when it is commander's turn: nothing was printed then. */
function answerFilter(words: readonly string[]): boolean {
  try {
    const text = filterDirectly(words);
    if (text === null) return false;
    print(text);
  } catch (error) {
    reportFailure(error);
  }
  return true;
}

/** Node's stream for standard output takes longer to make than all the rest here to run. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written);
  } catch (error) {
    // Whoever read our output has gone (`lbcap filter | head -1`): nothing is left to do.
    if (isSystemError(error, 'EPIPE')) return;
    // A pipe that somebody made non-blocking is full: the stream knows how to wait.
    if (!isSystemError(error, 'EAGAIN')) throw error;
    process.stdout.write(bytes.subarray(written));
  }
}
