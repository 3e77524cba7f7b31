/** Turns a failure into one line for a person and a status for a script. */
import { exitStatusOf, LbcapError, messageOf } from '../errors.js';

/** Prints `lbcap: <what is wrong>: <what to do about it>`, and sets the exit status to go with it. */
export function reportFailure(error: unknown): void {
  if (process.env['LBCAP_DEBUG'] === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack ?? error.message}\n`);
  }
  process.stderr.write(`lbcap: ${messageOf(error)}\n`);
  process.exitCode = error instanceof LbcapError ? exitStatusOf(error) : 1;
}
