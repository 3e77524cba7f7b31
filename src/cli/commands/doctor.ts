/** `lbcap doctor`: what works here, and what mends what does not. */
import { Command } from 'commander';
import { addLabelOptions, type LabelOptions } from '../options.js';

const help = `
Examples:
  lbcap doctor
      libpcap, the right to capture, interface, BPF, seccomp, Wireshark, limits
  lbcap doctor -l kafka-client=127.0.0.2 -l b=fd00::2
      and whether the addresses of these labels can be used
  lbcap doctor --json | jq 'select(.state != "ok")'

Each line is ok, a note (nothing depends on it) or missing, with the command that mends it. The
addresses are those of -l and of the registry. Nothing is changed. Exit status 1 when something is
missing that capturing the labels needs.`;

export interface RawDoctorOptions extends LabelOptions {
  readonly interface?: string;
  readonly json?: true;
}

export function doctorCommand(): Command {
  return addLabelOptions(
    new Command('doctor').description('Say what works here, and what mends what does not'),
  )
    .option('-i, --interface <NAME>', 'interface to capture on (default: the loopback)')
    .option('--json', 'one JSON object a line: check, state, text, command')
    .addHelpText('after', help)
    .action(async (options: RawDoctorOptions) => {
      const { doctor } = await import('../actions/doctor.js');
      process.exitCode = await doctor(options);
    });
}
