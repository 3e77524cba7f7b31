/** Every command of the program. */
import { aliasCommand } from './commands/alias.js';
import { doctorCommand } from './commands/doctor.js';
import { filterCommand } from './commands/filter.js';
import { labelCommand } from './commands/label.js';
import { portsCommand } from './commands/ports.js';
import { reportCommand } from './commands/report.js';
import { runCommand } from './commands/run.js';
import { splitCommand } from './commands/split.js';
import { watchCommand } from './commands/watch.js';
import { runProgram } from './run-program.js';

const help = `
Examples:
  lbcap watch --label kafka-client=127.0.0.2
  lbcap split trace.pcap --label kafka-client=127.0.0.2 -o bug
  lbcap report bug
  lbcap filter --label kafka-client=127.0.0.2 --for wireshark

Exit status: 0 done, 1 it failed, 2 wrong words (nothing was touched), 3 packets lost (--strict).`;

/** @param words `process.argv` */
export function main(words: readonly string[]): Promise<void> {
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
  return runProgram(words, commands, help);
}
