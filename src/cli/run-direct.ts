/** `lbcap run` without commander, which takes longer to load than most programs to start. */
import { openKernel } from '../native/kernel.js';
import { runAction } from './actions/run.js';
import { reportFailure } from './failure.js';
import { readRunWords } from './run-words.js';

/** Without Node's last rites, unless somebody counts on them: a profiler's output is written there. */
async function exitAtOnce(status: number): Promise<never> {
  if (
    process.execArgv.length === 0 &&
    process.env['NODE_OPTIONS'] === undefined &&
    process.env['NODE_V8_COVERAGE'] === undefined
  ) {
    (await openKernel()).call('exit_group', status);
  }
  return process.exit(status);
}

/**
 * Runs a program to its end and sets the exit status; failures are told, not thrown.
 *
 * @param words what stands behind `run`
 * @returns false when only help was asked for
 */
export async function runDirectly(words: readonly string[]): Promise<boolean> {
  try {
    const read = readRunWords(words);
    if (read === 'help') return false;
    const status = await runAction(read);
    // What is printed for other programs to read may still be on its way into a pipe.
    if (read.options.recipe === true) process.exitCode = status;
    // Else all is done and said, and winding down takes Node as long as a program needs to start.
    else await exitAtOnce(status);
  } catch (error) {
    // The terminal may be gone (SIGHUP): what cannot be said is not worth dying for.
    process.stderr.on('error', () => undefined);
    reportFailure(error);
  }
  return true;
}
