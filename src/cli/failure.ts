/** Turns a failure into one line for a person and a status for a script. */
import { exitStatusOf, LbcapError, messageOf } from '../errors.js';

/** Prints `lbcap: <what is wrong>: <what to do about it>`, and sets the exit status to go with it. */
export function reportFailure(error: unknown): void {
  if (process.env['LBCAP_DEBUG'] === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack ?? error.message}\n`);
  }
  process.stderr.write(`lbcap: ${visible(messageOf(error))}\n`);
  process.exitCode = error instanceof LbcapError ? exitStatusOf(error) : 1;
}

/** A file's name may hold what moves a terminal's cursor. */
function visible(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
