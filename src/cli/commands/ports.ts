/** `lbcap ports`: how many connections labels can hold, and how many they do. */
import { Command } from 'commander';
import { addLabelOptions, type LabelOptions } from '../options.js';
import type { RawPortsOptions } from '../actions/ports.js';

const help = `
Examples:
  lbcap ports -l kafka-client=127.0.0.2
      the client's connections to each server, and how many more it can have
  lbcap ports --watch
      all labels of the registry, every two seconds, until Ctrl-C
  lbcap ports --connections 200000
      a label with as many addresses as that takes, for lbcap run --pool:
  lbcap run --pool "$(lbcap ports --connections 200000)" -- wrk -c 50000 http://127.0.0.1:8080/
  lbcap ports --connections 200000 -l load
      the same, of a label that there is and the addresses that it still needs
  lbcap ports --json | jq '.servers[] | {server, used, free, secondsLeft}'

A connection takes a port of its own address for as long as it lasts, and for a minute after it was
closed first (TIME_WAIT): one address has as many connections to one server (an address and port) as
the system has ephemeral ports, 28,232 on Linux. When they are out, connect fails with
EADDRNOTAVAIL. "full in" is when that happens to the first address, if connections go on as they
did while lbcap looked; a longer --interval sees further. Where tcp_tw_reuse lets new connections
have ports in TIME_WAIT, as Linux does on the loopback after a second, these count as free. Ports
that programs bound to (a server's, or a client's by bind with port 0 and without
IP_BIND_ADDRESS_NO_PORT) are lost to connections of all other addresses.

Ports in use are read on Linux only, for the network namespace that lbcap is in.`;

export function portsCommand(): Command {
  return addLabelOptions(
    new Command('ports').description('Show how many connections labels hold and can hold'),
  )
    .option('--connections <N>', 'how many addresses that takes, as a label to copy')
    .option('--watch', 'go on until Ctrl-C')
    .option('--interval <TIME>', 'look again after this time (default: 250ms; with --watch 2s)')
    .option('--json', 'one JSON object a line on standard output, one for each label')
    .addHelpText('after', help)
    .action(async (raw: LabelOptions & RawPortsOptions) => {
      const { ports } = await import('../actions/ports.js');
      await ports(raw);
    });
}
