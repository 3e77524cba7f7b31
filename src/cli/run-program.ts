/** Runs commands by commander: its settings, and its complaints as ours. */
import { Command, CommanderError } from 'commander';
import { LbcapError } from '../errors.js';
import { version } from '../version.js';
import { reportFailure } from './failure.js';

/** Runs a command to its end; failures are told, not thrown. */
export async function runProgram(
  words: readonly string[],
  commands: readonly Command[],
  help: string,
): Promise<void> {
  // The terminal may be gone (SIGHUP): what cannot be said is not worth dying for.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // EPIPE: whoever read it has gone, as in `lbcap --help | head -1`.
    if (error.code !== 'EPIPE') reportFailure(error);
  });
  try {
    await parse(words, commands, help);
  } catch (error) {
    reportFailure(error);
  }
}

/** @throws LbcapError `USAGE` for what commander does not accept */
async function parse(
  words: readonly string[],
  commands: readonly Command[],
  help: string,
): Promise<void> {
  const program = new Command('lbcap')
    .description(
      'Tell the clients on your loopback apart: one address, one capture file, one filter each.',
    )
    .version(version, '-V, --version')
    .addHelpText('after', help);
  // The words of a program that is run are not lbcap's, --version among them.
  program.enablePositionalOptions();
  for (const command of commands) program.addCommand(command);
  quieten(program);
  try {
    await program.parseAsync(words);
  } catch (error) {
    // Help was asked for and printed.
    if (!(error instanceof CommanderError)) throw error;
  }
}

/** Commands that were added keep settings of their own, so each is told. */
function quieten(command: Command, above = ''): void {
  const path = `${above}${command.name()}`;
  command.configureOutput({ outputError: () => undefined }).exitOverride((error) => {
    throw error.exitCode === 0 ? error : usageError(error, path);
  });
  for (const inner of command.commands) quieten(inner, `${path} `);
}

function usageError(error: CommanderError, path: string): LbcapError {
  const problem =
    error.code === 'commander.help'
      ? 'no command was given'
      : error.message
          .replace(/^error: /, '')
          .replace(/\s*\n\s*/g, ' ')
          .replace(/\.$/, '');
  const hint =
    error.code === 'commander.excessArguments' && /watch|filter/.test(path)
      ? 'labels go with -l, a capture filter with -f; '
      : '';
  return new LbcapError('USAGE', problem, `${hint}see ${path} --help`, { cause: error });
}
