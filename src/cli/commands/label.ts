/** `lbcap label`: the registry of labels. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { isSystemError, LbcapError } from '../../errors.js';
import { firstFreeAddress } from '../../labels/allocation.js';
import { importHosts } from '../../labels/hosts-import.js';
import { parseHosts, type HostsEntry } from '../../labels/hosts.js';
import type { Label } from '../../labels/label.js';
import { checkLabelName, chooseLabels, parseLabel, parseLabels } from '../../labels/parse.js';
import { quote } from '../../labels/quote.js';
import { reason, readRegistry } from '../../labels/registry.js';
import type { RegistryEntry } from '../../labels/registry-json.js';
import { updateRegistry } from '../../labels/registry-write.js';
import { addRegistryOption, registryPlace } from '../options.js';

const systemHosts = '/etc/hosts';

interface RegistryOptions {
  readonly labels?: string;
}

const help = `
Examples:
  lbcap label add kafka-client               takes the first free 127.x address
  lbcap label add loadgen 127.0.1.0/28       a block; several addresses: A,B
  lbcap label add broker-1 '[::1]:9092'      a port, for peers that share an address
  lbcap label ls
  lbcap label rm kafka-client
  lbcap label import --hosts /etc/hosts      the names of 127.x addresses

The registry is lbcap.json of this directory or one above, else
$XDG_CONFIG_HOME/lbcap/labels.json (~/.config). Start one for a project with
  lbcap label add kafka-client --labels lbcap.json`;

export function labelCommand(): Command {
  const label = new Command('label')
    .description('Keep labels in a file')
    .addHelpText('after', help);
  addRegistryOption(label.command('ls').description('List the labels'))
    .option('--json', 'one JSON object a line: name, address')
    .addHelpText('after', '\nExample:\n  lbcap label ls --json')
    .action(list);
  addRegistryOption(label.command('add <name> [address]').description('Add a label'))
    .addHelpText('after', '\nExample:\n  lbcap label add kafka-client 127.0.0.2')
    .action(add);
  addRegistryOption(label.command('rm <name>').description('Remove a label'))
    .addHelpText('after', '\nExample:\n  lbcap label rm kafka-client')
    .action(remove);
  addRegistryOption(
    label.command('import').description('Make labels of the 127.x addresses of a hosts file'),
  )
    .option('--hosts <FILE>', 'hosts file', systemHosts)
    .addHelpText('after', '\nExample:\n  lbcap label import --hosts ./hosts')
    .action(importFrom);
  return label;
}

async function list(options: RegistryOptions & { json?: boolean }): Promise<void> {
  const place = registryPlace(options);
  const labels = chooseLabels([], readRegistry(place));
  if (options.json === true) {
    printAll(labels, ({ name, text }) => JSON.stringify({ name, address: text }));
  } else if (labels.length === 0) {
    say(`no labels in ${place.path}: add one with lbcap label add NAME`);
  } else if (process.stdout.isTTY) {
    const { default: Table } = await import('cli-table3');
    const table = new Table({ head: ['label', 'address'], style: { head: [], border: [] } });
    for (const { name, text } of labels) table.push([name, text]);
    print(table.toString());
  } else {
    printAll(labels, ({ name, text }) => `${name}\t${text}`);
  }
}

async function add(
  name: string,
  address: string | undefined,
  options: RegistryOptions,
): Promise<void> {
  checkLabelName(name);
  // Before the file is touched: a mistake in the words must not even create its directory.
  if (address !== undefined) parseLabel(name, address.split(','));
  const place = registryPlace(options);
  const { path } = place;
  let added = '';
  await updateRegistry(place, (registry) => {
    const labels = [...registry.labels];
    if (labels.some((label) => label.name === name)) {
      throw new LbcapError(
        'LABEL_DUPLICATE',
        `there is a label ${quote(name)} in ${path}`,
        `choose another name, or remove it with lbcap label rm ${name}`,
      );
    }
    added = address ?? firstFreeAddress(name, labels, readSystemHosts());
    parseLabels([`${name}=${added}`], registry);
    return [...registry.entries, { name, value: valueOf(added.split(',')) }];
  });
  print(`${name}\t${added}`);
  say(`added to ${path}`);
}

async function remove(name: string, options: RegistryOptions): Promise<void> {
  const place = registryPlace(options);
  // Nothing to remove from: do not create the file's directory to find that out.
  if (readRegistry(place) === null) throw unknownLabel(name, place.path);
  await updateRegistry(place, (registry) => {
    if (!registry.entries.some((entry) => entry.name === name)) {
      throw unknownLabel(name, place.path);
    }
    return registry.entries.filter((entry) => entry.name !== name);
  });
  say(`removed ${name} from ${place.path}`);
}

async function importFrom(options: RegistryOptions & { hosts: string }): Promise<void> {
  const hosts = readHosts(options.hosts);
  const place = registryPlace(options);
  const { path } = place;
  let result: ReturnType<typeof importHosts> = { taken: [], skipped: [] };
  await updateRegistry(place, (registry) => {
    result = importHosts(hosts, [...registry.labels]);
    if (result.taken.length === 0) return null;
    const taken = result.taken.map(({ name, addresses }) => ({ name, value: valueOf(addresses) }));
    return [...registry.entries, ...taken];
  });
  for (const { name, addresses } of result.taken) print(`${name}\t${addresses.join(',')}`);
  for (const skipped of result.skipped) {
    say(`left out ${skipped.name} (${skipped.address}): ${skipped.reason}`);
  }
  const count = result.taken.length;
  say(`took ${count} ${count === 1 ? 'label' : 'labels'} from ${options.hosts} into ${path}`);
}

/** The shorter of the file's two forms. */
function valueOf(addresses: readonly string[]): RegistryEntry['value'] {
  return addresses.length === 1 ? addresses[0] : addresses;
}

function unknownLabel(name: string, path: string): LbcapError {
  return new LbcapError(
    'LABEL_UNKNOWN',
    `there is no label ${quote(name)} in ${path}`,
    'see lbcap label ls',
  );
}

function readHosts(path: string): HostsEntry[] {
  try {
    return parseHosts(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new LbcapError(
      'INPUT_IO',
      `cannot read ${path} (${reason(error)})`,
      'name a hosts file with --hosts FILE',
      { cause: error },
    );
  }
}

/** A machine without a hosts file names nothing in it. */
function readSystemHosts(): HostsEntry[] {
  try {
    return readHosts(systemHosts);
  } catch (error) {
    if (error instanceof LbcapError && isSystemError(error.cause, 'ENOENT')) return [];
    throw error;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Many lines at once: a write for each takes longer than all the rest. */
function printAll(labels: Iterable<Label>, lineOf: (label: Label) => string): void {
  let text = '';
  for (const label of labels) {
    text += `${lineOf(label)}\n`;
    if (text.length < 65_536) continue;
    process.stdout.write(text);
    text = '';
  }
  process.stdout.write(text);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
