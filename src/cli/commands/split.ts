/** `lbcap split`: captures already taken, a file for each label. */
import { Command } from 'commander';
import { LbcapError } from '../../errors.js';
import { addLabelOptions, givenLabels, loadLabels, type LabelOptions } from '../options.js';
import type { Label } from '../../labels/label.js';
import type { Sequence } from '../../sequence.js';
import { addInputOptions } from '../open-inputs.js';
import { addOutputOptions } from '../output-options.js';
import type { SplitOptions } from '../actions/split.js';

const help = `
Examples:
  lbcap split trace.pcap --label kafka-client=127.0.0.2 -o bug
      the client's packets into bug/kafka-client.pcap
  lbcap split day1.pcap day2.pcap -l a=127.0.0.2 -l b=127.0.1.0/28 --others
      two captures, one after the other; what belongs to nobody into others.pcap
  lbcap split --merge left.pcapng right.pcap.gz -l a=127.0.0.2
      two captures of the same time, packet by packet
  ssh host tcpdump -i lo -w - | lbcap split - -l a=127.0.0.2
      from standard input
  lbcap split trace.pcap -l a=127.0.0.2 --format pcapng --compress gzip --comment 'issue 42'
      bug/a.pcapng.gz, with names, directions and a comment
  lbcap split trace.pcap -l a=127.0.0.2 -o - | tshark -r -
      one pcapng of all labels to another program

With --rotate-time, periods are those of the packets' own time; sizes count before compression.
Files keep the byte order, the timestamps and the lengths of the capture. Of a damaged capture,
everything before the damage is written, and the exit status is 1; with --repair also what comes
after it, and the exit status is 0.`;

export function splitCommand(): Command {
  const command = addLabelOptions(
    new Command('split').description('Split captures already taken: a file for each label'),
  ).argument('<FILE...>', 'captures, - for standard input');
  return addInputOptions(addOutputOptions(command))
    .option('--labels-from-file', 'the names that a pcapng has for addresses are labels too')
    .option('--merge', 'several captures by time, not one after the other')
    .option('--nano', 'timestamps in nanoseconds (default: as in the capture)')
    .option('--json', 'one JSON object a line on standard output: start, file, end')
    .option('--strict', 'exit with 3 when packets were lost')
    .addHelpText('after', help)
    .action(async (files: string[], options: LabelOptions & SplitOptions & NameOptions) => {
      const { split } = await import('../actions/split.js');
      process.exitCode = await split(await labelsOf(files, options), files, options);
    });
}

interface NameOptions {
  readonly labelsFromFile?: true;
}

async function labelsOf(
  files: readonly string[],
  options: LabelOptions & NameOptions,
): Promise<Sequence<Label>> {
  if (options.labelsFromFile !== true) return loadLabels(options);
  const { labelsFromFiles } = await import('../labels-from-file.js');
  const given = [...givenLabels(options)];
  const words = await labelsFromFiles(files, given);
  if (given.length === 0 && words.length === 0) {
    throw new LbcapError(
      'LABEL_NONE',
      `no address has a name in ${files.join(', ')}`,
      'only pcapng carries names: give a label with --label NAME=ADDRESS',
    );
  }
  return loadLabels({ ...options, label: [...(options.label ?? []), ...words] });
}
