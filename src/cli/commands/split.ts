/** `lbcap split`: captures already taken, a file for each label. */
import { Command } from 'commander';
import { addLabelOptions, loadLabels, type LabelOptions } from '../options.js';
import { addOutputOptions } from '../output-options.js';
import type { SplitOptions } from '../actions/split.js';

const help = `
Examples:
  lbcap split trace.pcap --label kafka-client=127.0.0.2 -o bug
      the client's packets into bug/kafka-client.pcap
  lbcap split day1.pcap day2.pcap -l a=127.0.0.2 -l b=127.0.1.0/28 --others
      two captures, one after the other; what belongs to nobody into others.pcap
  ssh host tcpdump -i lo -w - | lbcap split - -l a=127.0.0.2
      from standard input
  lbcap split trace.pcap -l a=127.0.0.2 --format pcapng --compress gzip --comment 'issue 42'
      bug/a.pcapng.gz, with names, directions and a comment
  lbcap split trace.pcap -l a=127.0.0.2 -o - | tshark -r -
      one pcapng of all labels to another program

With --rotate-time, periods are those of the packets' own time; sizes count before compression.
Files keep the byte order, the timestamps and the lengths of the capture. Of a damaged capture,
everything before the damage is written, and the exit status is 1.`;

export function splitCommand(): Command {
  const command = addLabelOptions(
    new Command('split').description('Split captures already taken: a file for each label'),
  ).argument('<FILE...>', 'captures, - for standard input');
  return addOutputOptions(command)
    .option('--nano', 'timestamps in nanoseconds (default: as in the capture)')
    .option('--json', 'one JSON object a line on standard output: start, file, end')
    .option('--strict', 'exit with 3 when packets were lost')
    .addHelpText('after', help)
    .action(async (files: string[], options: LabelOptions & SplitOptions) => {
      const { split } = await import('../actions/split.js');
      process.exitCode = await split(loadLabels(options), files, options);
    });
}
