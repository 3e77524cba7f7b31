/** The commander program: every command, and commander's own complaints as ours. */
import { Command, CommanderError } from 'commander';
import { LbcapError } from '../errors.js';
import { aliasCommand } from './commands/alias.js';
import { doctorCommand } from './commands/doctor.js';
import { filterCommand } from './commands/filter.js';
import { reportFailure } from './failure.js';
import { labelCommand } from './commands/label.js';
import { portsCommand } from './commands/ports.js';
import { reportCommand } from './commands/report.js';
import { runCommand } from './commands/run.js';
import { splitCommand } from './commands/split.js';
import { watchCommand } from './commands/watch.js';
import { version } from '../version.js';

const help = `
Examples:
  lbcap watch --label kafka-client=127.0.0.2
  lbcap split trace.pcap --label kafka-client=127.0.0.2 -o bug
  lbcap report bug
  lbcap filter --label kafka-client=127.0.0.2 --for wireshark

Exit status: 0 done, 1 it failed, 2 wrong words (nothing was touched), 3 packets lost (--strict).`;

/** Runs a command to its end; failures are told, not thrown. */
export async function main(words: readonly string[]): Promise<void> {
  // The terminal may be gone (SIGHUP): what cannot be said is not worth dying for.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // EPIPE: whoever read it has gone, as in `lbcap --help | head -1`.
    if (error.code !== 'EPIPE') reportFailure(error);
  });
  try {
    await runProgram(words);
  } catch (error) {
    reportFailure(error);
  }
}

/** @throws LbcapError `USAGE` for what commander does not accept */
async function runProgram(words: readonly string[]): Promise<void> {
  const program = new Command('lbcap')
    .description(
      'Tell the clients on your loopback apart: one address, one capture file, one filter each.',
    )
    .version(version, '-V, --version')
    .addHelpText('after', help);
  const commands = [
    watchCommand(),
    splitCommand(),
    reportCommand(),
    filterCommand(),
    labelCommand(),
    runCommand(),
    portsCommand(),
    aliasCommand(),
    doctorCommand(),
  ];
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
