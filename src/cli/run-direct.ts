/** `lbcap run` without commander, which takes longer to load than most programs to start. */
import { runAction } from './actions/run.js';
import { reportFailure } from './failure.js';
import { readRunWords } from './run-words.js';

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
    process.exitCode = await runAction(read);
  } catch (error) {
    // The terminal may be gone (SIGHUP): what cannot be said is not worth dying for.
    process.stderr.on('error', () => undefined);
    reportFailure(error);
  }
  return true;
}
