#!/usr/bin/env node
/** The `lbcap` program: runs a command, and turns its failure into one line and a status. */
import { exitStatusOf, LbcapError, messageOf } from '../errors.js';
import { runProgram } from './program.js';

// The terminal may be gone (SIGHUP): what cannot be said is not worth dying for.
process.stderr.on('error', () => undefined);

runProgram(process.argv).catch((error: unknown) => {
  if (process.env['LBCAP_DEBUG'] === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack ?? error.message}\n`);
  }
  process.stderr.write(`lbcap: ${messageOf(error)}\n`);
  process.exitCode = error instanceof LbcapError ? exitStatusOf(error) : 1;
});
