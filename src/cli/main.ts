#!/usr/bin/env node
/** The `lbcap` program: hands over to a command, and turns its failure into a line and a status. */
import { exitStatusOf, LbcapError, messageOf } from '../errors.js';
import { filterDirectly } from './filter-direct.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read our output has gone (`lbcap filter | head -1`): nothing is left to do.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// No await at the top level: the bundle is CommonJS, which starts faster and has none.
main().catch((error: unknown) => {
  process.exitCode = fail(error);
});

async function main(): Promise<void> {
  const [command, ...words] = process.argv.slice(2);
  const text = command === 'filter' ? filterDirectly(words) : null;
  if (text === null) await (await import('./program.js')).runProgram(process.argv);
  else process.stdout.write(text);
}

function fail(error: unknown): number {
  if (process.env['LBCAP_DEBUG'] === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack ?? error.message}\n`);
  }
  process.stderr.write(`lbcap: ${messageOf(error)}\n`);
  return error instanceof LbcapError ? exitStatusOf(error) : 1;
}
