/** `lbcap watch`: capture live, a file for each label, until Ctrl-C. */
import { Command } from 'commander';
import { addLabelOptions, loadLabels, type LabelOptions } from '../options.js';
import { addInputOptions } from '../open-inputs.js';
import { addOutputOptions } from '../output-options.js';
import type { RawWatchOptions } from '../watch-options.js';

const help = `
Examples:
  lbcap watch --label kafka-client=127.0.0.2
      capture the client's packets into lbcap-<time>/kafka-client.pcap until Ctrl-C
  lbcap watch -l producer=127.0.0.2 -l consumer=127.0.0.3 -o bug --duration 30s
      two clients, a file each, half a minute
  lbcap watch -l 'broker=[::1]:9092' --no-write
      only the table, for a peer that shares its address
  lbcap watch -l a=127.0.0.2 --json -f 'tcp port 9092' | jq .
      what a program may read, and a capture filter of one's own
  lbcap watch -l a=127.0.0.2 --engine dumpcap
      without root, by the right to run Wireshark's dumpcap; chosen by itself when it is needed
  sudo tcpdump -i lo -U -w - | lbcap watch -r - -l a=127.0.0.2
      let tcpdump capture
  lbcap watch -l a=127.0.0.2 --rotate-size 100M --keep 10 -o ring
      ring/a.00001.pcap and on, at most ten of them
  lbcap watch -l a=127.0.0.2 -o - | wireshark -k -i -
      one pcapng of all labels, as it happens

Ctrl-C, SIGTERM and SIGHUP end it properly, with every file complete; SIGUSR1 shows how it stands.`;

export function watchCommand(): Command {
  const command = addLabelOptions(
    new Command('watch').description('Capture live: a table, and a file for each label'),
  ).option('-i, --interface <NAME>', 'interface to capture on (default: the loopback)');
  return addInputOptions(addOutputOptions(command))
    .option('--no-write', 'only watch')
    .option('--nano', 'timestamps in nanoseconds')
    .option('-f, --filter <BPF>', 'capture filter, and-ed with the labels')
    .option('-s, --snaplen <BYTES>', 'bytes kept of each packet (default: 262144)')
    .option('-B, --buffer <SIZE>', 'kernel buffer')
    .option('--duration <TIME>', 'stop after this time, e.g. 30s')
    .option('--packets <N>', 'stop after this many packets')
    .option('--bytes <SIZE>', 'stop after this many bytes of packets, e.g. 100M')
    .option('--json', 'one JSON object a line on standard output: start, sample, file, end')
    .option(
      '--engine <ENGINE>',
      'libpcap, dumpcap or cap (default: libpcap, or dumpcap where only that is permitted)',
    )
    .option('-r, --read <FILE>', 'watch a capture stream instead, - for standard input')
    .option('--strict', 'exit with 3 when packets were lost')
    .addHelpText('after', help)
    .action(async (raw: LabelOptions & RawWatchOptions) => {
      const { watch } = await import('../actions/watch.js');
      const { readWatchOptions } = await import('../watch-options.js');
      process.exitCode = await watch(loadLabels(raw), readWatchOptions(raw));
    });
}
