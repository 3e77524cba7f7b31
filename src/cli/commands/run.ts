/** `lbcap run`: any program, its loopback connections from the label's address. */
import { Command } from 'commander';
import { runFlags } from '../run-words.js';

const help = `
Examples:
  lbcap run kafka-client=127.0.0.2 -- ./my-client
      its connections to this machine come from 127.0.0.2
  lbcap run --watch -o bug kafka-client=127.0.0.2 -- npm test
      and are captured as well, for a bug report
  lbcap run --pool loadgen=127.0.1.0/28 -- wrk -c 100000 http://127.0.0.1:8080/
      sixteen addresses in turn: sixteen times as many connections
  lbcap run --server broker-1=127.0.0.11 -- redis-server --port 6379
      what it listens on is moved to 127.0.0.11, so several copies keep the same port
  lbcap run --recipe kafka-client
      how to bind the common clients by hand

LABEL without an address is looked up in the registry; one that is not there gets the next free
127.x address. Without LABEL, the command's name is the label. The exit status is the command's,
128+n when signal n ended it, 126 or 127 when it cannot be executed or found, 125 when lbcap failed.

Method bpf needs root (under sudo the program runs as you, in your environment); seccomp needs no
rights, but it costs some 70 microseconds a connection, misses datagrams sent by sendmsg, and
set-user-id programs such as sudo fail inside.
With --ipv6, connections to ::1 are bound to the label's IPv6 address (bind, when it has one), led
to 127.0.0.1 (to4, when it has none) or refused, so that the program tries 127.0.0.1.

Servers may treat a client that is not 127.0.0.1 otherwise: PostgreSQL looks into pg_hba.conf (give
127.0.0.0/8 what 127.0.0.1/32 has), Redis in protected mode answers DENIED (set a password, or
protected-mode no where only this machine can reach it).`;

/** For the help, and for those who come by way of commander: `main.ts` goes to run-direct.ts itself. */
export function runCommand(): Command {
  const command = new Command('run')
    .description('Run a program whose loopback connections come from a label')
    .usage('[options] [LABEL[=ADDR[,ADDR...]]] -- COMMAND...')
    .argument('[words...]')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText('after', help);
  for (const flag of runFlags) {
    const short = 'short' in flag ? `-${flag.short}, ` : '';
    const value = 'value' in flag ? ` <${flag.value}>` : '';
    command.option(`${short}--${flag.long}${value}`, flag.help);
  }
  return command.action(async () => {
    const { runDirectly } = await import('../run-direct.js');
    await runDirectly(process.argv.slice(3));
  });
}
