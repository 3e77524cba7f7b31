/** `lbcap alias`: the addresses of the loopback interface. */
import { Command } from 'commander';
import { addLabelOptions, type LabelOptions } from '../options.js';

const help = `
Examples:
  lbcap alias ls                              the addresses there are, and whose they are
  sudo lbcap alias add                        those that the labels need and that are missing
  sudo lbcap alias add fd00::2 fd00:1::/124   addresses, blocks, ranges or names of labels
  lbcap alias add --dry-run kafka-client      only print the commands
  sudo lbcap alias add --for-session -l a=fd00::2 -- npm test
      there as long as the command runs, which under sudo runs as you; removed as it ends, by
      whatever signal, and after a SIGKILL by the next lbcap alias
  sudo lbcap alias add --persist              on macOS: at every start of the system too
  sudo lbcap alias rm kafka-client

Linux has all of 127.0.0.0/8 from the start: only IPv6 labels need an address there. macOS and
FreeBSD have 127.0.0.1 alone. 127.0.0.1, ::1 and link-local addresses are never removed.`;

export interface RawAliasOptions extends LabelOptions {
  readonly json?: true;
  readonly dryRun?: true;
  readonly persist?: true;
  readonly forSession?: true;
}

export function aliasCommand(): Command {
  const alias = new Command('alias')
    .description('Add and remove addresses of the loopback interface')
    .addHelpText('after', help);
  addLabelOptions(alias.command('ls').description('List the addresses and what labels need'))
    .option('--json', 'one JSON object a line: address, label, present')
    .addHelpText('after', '\nExample:\n  lbcap alias ls --json')
    .action(async (options: RawAliasOptions) => {
      const { aliasList } = await import('../actions/alias.js');
      await aliasList(options);
    });
  const dryRun = ['--dry-run', 'print the commands and run none'] as const;
  addLabelOptions(
    alias
      .command('add [what...]')
      .description('Add the addresses that are missing (default: those of all labels)'),
  )
    .option(...dryRun)
    .option('--persist', 'on macOS: add them at every start too, by a launchd file, printed first')
    .option('--for-session', 'WHAT is a command: the addresses are there as long as it runs')
    .addHelpText('after', '\nExample:\n  sudo lbcap alias add fd00::2 127.0.1.0/28')
    .action(async (what: string[], options: RawAliasOptions) => {
      const { aliasAdd } = await import('../actions/alias.js');
      process.exitCode = await aliasAdd(what, options);
    });
  addLabelOptions(
    alias
      .command('rm [what...]')
      .description('Remove addresses (default: those of all labels that are there)'),
  )
    .option(...dryRun)
    .option('--persist', 'on macOS: remove the launchd file too')
    .addHelpText('after', '\nExample:\n  sudo lbcap alias rm fd00::2')
    .action(async (what: string[], options: RawAliasOptions) => {
      const { aliasRemove } = await import('../actions/alias.js');
      aliasRemove(what, options);
    });
  return alias;
}
