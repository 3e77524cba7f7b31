/** `lbcap report`: what to attach to a bug report. */
import { Command } from 'commander';
import type { ReportCommandOptions } from '../actions/report.js';
import { addLabelOptions, givenLabels, type LabelOptions } from '../options.js';

const help = `
Examples:
  lbcap report bug
      of the directory that lbcap watch or split wrote
  lbcap report trace.pcap -l kafka-client=127.0.0.2 -o report.md
      of any capture, into a file
  lbcap report bug --json | jq '.hops.rows[] | select(.ending == "refused")'
  lbcap report mx1.pcap mx2.pcap mx3.pcap
      of a chain: hops in order, each packet once though two files have it

Labels are those given, those of the registry, names that a pcapng has for addresses, and, where nobody
names it, NAME at the one address that every packet of NAME.pcap has. Without labels everybody's hops are
shown. In the report is no payload, no path, and no name of a machine or of you; addresses, ports, file
and label names, comments and the program that captured are: look before you hand it over.
Of a damaged capture what could be read is reported, and the exit status is 1.`;

export function reportCommand(): Command {
  return addLabelOptions(
    new Command('report').description('Say what captures hold, as Markdown for a bug report'),
  )
    .argument('<DIR|FILE...>', 'captures, or directories of captures')
    .option('-o, --out <FILE>', 'write to a file (default: standard output)')
    .option('--force', 'overwrite that file')
    .option('--json', 'all of it as one JSON object')
    .option('--hops <N>', 'how many hops are shown (default: 40)')
    .option('--all', 'show every hop')
    .addHelpText('after', help)
    .action(async (words: string[], options: LabelOptions & ReportCommandOptions) => {
      const { report } = await import('../actions/report.js');
      process.exitCode = await report(words, [...givenLabels(options)], options);
    });
}
