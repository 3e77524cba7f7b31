/** `lbcap run`: any program, its loopback connections from the label's address. */
import { Command } from 'commander';
import type { RunOptions } from '../actions/run.js';
import { addRegistryOption } from '../options.js';

const help = `
Examples:
  lbcap run kafka-client=127.0.0.2 -- ./my-client
      its connections to this machine come from 127.0.0.2
  lbcap run --pool loadgen=127.0.1.0/28 -- wrk -c 100000 http://127.0.0.1:8080/
      sixteen addresses in turn: sixteen times as many connections
  lbcap run --server broker-1=127.0.0.11 -- redis-server --port 6379
      what it listens on is moved to 127.0.0.11, so several copies keep the same port
  lbcap run --recipe kafka-client
      how to bind the common clients by hand

LABEL without an address is looked up in the registry; one that is not there gets the next free
127.x address. Without LABEL, the command's name is the label. The exit status is the command's,
128+n when signal n ended it, 126 or 127 when it cannot be executed or found, 125 when lbcap failed.

Servers may treat a client that is not 127.0.0.1 otherwise: PostgreSQL asks pg_hba.conf (add
"host all all 127.0.0.0/8 trust", or what you have for 127.0.0.1/32), Redis in protected mode
answers DENIED (set a password, or "protected-mode no" on a loopback-only server).`;

export function runCommand(): Command {
  return addRegistryOption(
    new RunCommand('run').description('Run a program whose loopback connections come from a label'),
  )
    .argument('[LABEL[=ADDR[,ADDR...]]]', 'a client, and its address')
    .argument('[COMMAND...]', 'the program and its words, behind --')
    .option('--pool', 'use all addresses of the label, in turn')
    .option('--server', "move what it listens on to the label's address too")
    .option('--rebind', 'also for programs that bind before they connect')
    .option('--ipv6 <MODE>', 'connections to ::1: bind, to4 or refuse')
    .option('--method <METHOD>', 'bpf or seccomp (default: bpf where permitted, else seccomp)')
    .option('-q, --quiet', 'say nothing but errors')
    .option('--json', 'the account as one JSON line on standard error')
    .option('--account <FILE>', 'write the account as JSON to a file, /dev/fd/3 for example')
    .option('--recipe', 'print how to bind the common clients by hand')
    .addHelpText('after', help)
    .action(async (_label: unknown, _command: unknown, options: RunOptions, command: Command) => {
      const { runAction } = await import('../actions/run.js');
      process.exitCode = await runAction(command.args, splitOf(command), options);
    });
}

/** How many of the command's arguments stand before the program: 0 or 1. */
function splitOf(command: Command): number {
  return command instanceof RunCommand ? command.before : 0;
}

/**
 * Commander reads options wherever they stand, or none behind the first argument. Here they may
 * stand on both sides of LABEL, and the program's own begin behind `--` or with its name.
 */
class RunCommand extends Command {
  before = 0;

  override parseOptions(words: string[]): { operands: string[]; unknown: string[] } {
    const { head, tail } = this.#divide(words);
    const { operands, unknown } = super.parseOptions(head);
    this.before = operands.length;
    return { operands: [...operands, ...tail], unknown };
  }

  #divide(words: readonly string[]): { head: string[]; tail: string[] } {
    let labelSeen = false;
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at];
      if (word === '--') return { head: words.slice(0, at), tail: words.slice(at + 1) };
      if (word.startsWith('-') && word !== '-') {
        if (this.#takesNext(word)) at += 1;
      } else if (labelSeen) {
        return { head: words.slice(0, at), tail: words.slice(at) };
      } else {
        labelSeen = true;
      }
    }
    return { head: [...words], tail: [] };
  }

  /** Whether an option's value is the next word: `--ipv6 to4`, `-o bug`, not `--ipv6=to4`, `-obug`. */
  #takesNext(word: string): boolean {
    const named = (name: string) =>
      this.options.find(({ short, long }) => short === name || long === name);
    if (word.startsWith('--')) return named(word)?.required === true;
    // In a cluster such as -qo, the first letter with a value takes the rest, or the next word.
    for (let at = 1; at < word.length; at += 1) {
      if (named(`-${word[at]}`)?.required === true) return at === word.length - 1;
    }
    return false;
  }
}
