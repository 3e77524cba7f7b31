/** The commander program: every command, and commander's own complaints as ours. */
import { Command, CommanderError } from 'commander';
import { LbcapError } from '../errors.js';
import { filterCommand } from './commands/filter.js';
import { labelCommand } from './commands/label.js';
import { runCommand } from './commands/run.js';

/** @throws LbcapError `USAGE` for what commander does not accept */
export async function runProgram(words: readonly string[]): Promise<void> {
  const program = new Command('lbcap').description(
    'Tell the clients on your loopback apart: one address, one capture file, one filter each.',
  );
  program.addCommand(filterCommand()).addCommand(labelCommand()).addCommand(runCommand());
  // The words of a command that is run are not lbcap's, --version among them.
  program.enablePositionalOptions();
  quieten(program);
  try {
    await program.parseAsync(words);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help was asked for and printed.
    if (error.exitCode === 0) return;
    throw new LbcapError('USAGE', usageOf(error), 'see lbcap --help', { cause: error });
  }
}

/** Commands that were added keep settings of their own, so each is told. */
function quieten(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  for (const inner of command.commands) quieten(inner);
}

function usageOf(error: CommanderError): string {
  if (error.code === 'commander.help') return 'no command was given';
  return error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
}
