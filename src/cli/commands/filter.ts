/** `lbcap filter`: capture and display filters for labels. */
import { Command } from 'commander';
import {
  checkFilterOptions,
  filterOutput,
  filterTargets,
  type FilterOptions,
} from '../filter-output.js';
import { addLabelOptions, loadLabels, type LabelOptions } from '../options.js';

const help = `
Examples:
  lbcap filter --label kafka-client=127.0.0.2
      name, BPF capture filter and Wireshark display filter
  wireshark -k -i lo -f "$(lbcap filter --label kafka-client=127.0.0.2 --for bpf)"
  lbcap filter -l a=127.0.0.2 -l 'b=127.0.1.0/28' --for wireshark
      one expression for both
  lbcap filter -l 'a=[::1]:9092' --for tcpdump
      a whole command to paste
  lbcap filter --for bpf --each
      a line for each label of the registry: name, tab, expression

The two languages differ a little: "host" takes ARP too and misses frames with a VLAN tag,
"ip.addr" also finds an address quoted inside an ICMP error. In BPF a port behind IPv6
extension headers is not found. Of a fragmented datagram BPF finds the ports in the first
fragment, Wireshark in the last; tshark -o ip.defragment:FALSE -o ipv6.defragment:FALSE
makes it the first there too.`;

export function filterCommand(): Command {
  return addLabelOptions(
    new Command('filter').description('Print capture and display filters for labels'),
  )
    .option('--for <TOOL>', `just the text for one tool: ${filterTargets.join(', ')}`)
    .option('--each', 'one line for each label: name, tab, expression')
    .option('--json', 'one JSON object a line: name, address, bpf, wireshark')
    .option('-i, --interface <NAME>', 'interface in whole commands (default: the loopback)')
    .addHelpText('after', help)
    .action((options: LabelOptions & FilterOptions) => {
      runFilter(options);
    });
}

function runFilter(options: LabelOptions & FilterOptions): void {
  checkFilterOptions(options);
  process.stdout.write(filterOutput([...loadLabels(options)], options));
}
