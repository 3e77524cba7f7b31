/** What `lbcap alias ls`, `add` and `rm` do. */
import { LbcapError, messageOf } from '../../errors.js';
import { formatBlock, type Address } from '../../labels/address.js';
import type { Endpoint, Label } from '../../labels/label.js';
import { isLabelName, parseLabel, parseLabels } from '../../labels/parse.js';
import { quote } from '../../labels/quote.js';
import { readRegistry } from '../../labels/registry.js';
import { isOfSystem, planAliases, type PlannedBlock } from '../../loopback/alias-plan.js';
import { addAliases } from '../../loopback/alias-run.js';
import { textOf, type Words } from '../../loopback/alias-system.js';
import { thisMachine, type AliasContext } from '../alias-context.js';
import { sweep } from '../alias-sweep.js';
import type { RawAliasOptions } from '../commands/alias.js';
import { registryPlace } from '../options.js';
import { shellWord } from '../shell.js';

export async function aliasList(
  options: RawAliasOptions,
  context: AliasContext = thisMachine(),
): Promise<void> {
  sweep(context);
  const rows = rowsOf(labelsOf(options), context);
  if (options.json === true) {
    for (const row of rows) context.print(JSON.stringify(row));
  } else if (process.stdout.isTTY) {
    const { default: Table } = await import('cli-table3');
    const table = new Table({
      head: ['address', 'label', 'state'],
      style: { head: [], border: [] },
    });
    table.push(...rows.map(cells));
    context.print(table.toString());
  } else {
    for (const row of rows) context.print(cells(row).join('\t'));
  }
  if (rows.some(({ present }) => !present)) {
    context.say('add what is missing with: sudo lbcap alias add');
  }
}

/** @returns the exit status */
export async function aliasAdd(
  what: readonly string[],
  options: RawAliasOptions,
  context: AliasContext = thisMachine(),
): Promise<number> {
  const forSession = options.forSession === true;
  checkTogether(what, options);
  if (options.dryRun !== true) sweep(context);
  const endpoints = endpointsOf(forSession ? [] : what, options);
  const plan = planOf(endpoints, context);
  const missing = plan.flatMap((block) => block.missing);
  sayLocal(plan, context);
  const commands = missing.map(({ family, value }) =>
    context.system.add(family, textOf({ family, value })),
  );
  if (options.dryRun === true) {
    printCommands(commands, context);
    return 0;
  }
  const [command, ...words] = what;
  if (forSession && command !== undefined) {
    const { aliasSession } = await import('./alias-session.js');
    return aliasSession([command, ...words], plan, missing, context);
  }
  if (options.persist === true) persist(plan, context);
  addAliases(context.system, missing, context.run);
  if (missing.length > 0) context.say(`added ${listed(missing)} to ${context.system.interface}`);
  return 0;
}

export function aliasRemove(
  what: readonly string[],
  options: RawAliasOptions,
  context: AliasContext = thisMachine(),
): void {
  if (options.dryRun !== true) sweep(context);
  const present = planOf(endpointsOf(what, options), context).flatMap((block) => block.present);
  const addresses = present.filter((address) => !isOfSystem(address));
  for (const address of present.filter(isOfSystem)) {
    context.say(`left ${textOf(address)} alone: it is the system's own`);
  }
  const commands = addresses.map(({ family, value }) =>
    context.system.remove(family, textOf({ family, value })),
  );
  if (options.dryRun === true) {
    printCommands(commands, context);
    return;
  }
  if (options.persist === true) context.removeFile(persistenceOf(context).path);
  for (const words of commands) context.run(words);
  context.say(
    addresses.length === 0
      ? 'nothing to remove'
      : `removed ${listed(addresses)} from ${context.system.interface}`,
  );
}

interface Row {
  readonly address: string;
  readonly label: string | null;
  readonly present: boolean;
}

/** What labels need, in their order, then what is there beside it. */
function rowsOf(labels: readonly Label[], context: AliasContext): Row[] {
  const existing = context.addresses();
  const named = new Set<string>();
  const needed = labels.flatMap(({ name, endpoints }) =>
    planAliases(withoutPorts(endpoints), existing, context.system.blocksAreLocal).map((block) => {
      for (const address of block.present) named.add(textOf(address));
      return {
        address: formatBlock(block.endpoint),
        label: name,
        present: block.missing.length === 0,
      };
    }),
  );
  const others = existing
    .filter((address) => !named.has(textOf(address)))
    .map(({ text, prefix }) => ({ address: `${text}/${prefix}`, label: null, present: true }));
  return [...needed, ...others];
}

function cells({ address, label, present }: Row): string[] {
  return [address, label ?? '-', present ? 'present' : 'missing'];
}

function checkTogether(what: readonly string[], options: RawAliasOptions): void {
  if (options.forSession !== true) return;
  if (what.length === 0) {
    throw new LbcapError(
      'USAGE',
      'there is no command for the session',
      'put it behind --: lbcap alias add --for-session -l a=fd00::2 -- COMMAND',
    );
  }
  if (options.persist === true) {
    throw new LbcapError(
      'USAGE',
      '--for-session and --persist contradict each other',
      'give one of them',
    );
  }
}

/** @param what names of labels, or addresses as labels have them; nothing stands for all labels */
function endpointsOf(what: readonly string[], options: RawAliasOptions): Endpoint[] {
  const labels = labelsOf(options);
  if (what.length === 0 && labels.length === 0) {
    throw new LbcapError(
      'LABEL_NONE',
      'there are no labels and no addresses',
      'name addresses, or give labels with -l NAME=ADDRESS',
    );
  }
  const chosen =
    what.length === 0
      ? labels
      : what.map((word) => labels.find(({ name }) => name === word) ?? labelOf(word));
  return withoutPorts(chosen.flatMap((label) => label.endpoints));
}

function labelOf(word: string): Label {
  if (isLabelName(word) && !/^[0-9]/.test(word) && !word.includes(':')) {
    throw new LbcapError('LABEL_UNKNOWN', `there is no label ${quote(word)}`, 'see lbcap label ls');
  }
  return parseLabel('address', word.split(','));
}

function labelsOf(options: RawAliasOptions): Label[] {
  return parseLabels(options.label ?? [], readRegistry(registryPlace(options)));
}

/** Each block once: ports make no difference to an interface. */
function withoutPorts(endpoints: readonly Endpoint[]): Endpoint[] {
  return [
    ...new Map(
      endpoints.map((endpoint) => [formatBlock(endpoint), { ...endpoint, port: null }]),
    ).values(),
  ];
}

function planOf(endpoints: readonly Endpoint[], context: AliasContext): PlannedBlock[] {
  const existing = context.addresses();
  if (existing.length === 0) {
    const name = context.system.interface;
    throw new LbcapError(
      'ALIAS_FAILED',
      `${name} has no address at all, it is down`,
      context.system.blocksAreLocal ? `ip link set ${name} up` : `ifconfig ${name} up`,
    );
  }
  return planAliases(endpoints, existing, context.system.blocksAreLocal);
}

/** Why nothing is done for what is there already. */
function sayLocal(plan: readonly PlannedBlock[], context: AliasContext): void {
  const there = plan.filter(({ missing }) => missing.length === 0);
  if (there.length === 0) return;
  const ofLinux = there.some(({ endpoint }) => endpoint.family === 4);
  const why =
    context.system.blocksAreLocal && ofLinux
      ? ': Linux has all of 127.0.0.0/8 from the start, only IPv6 addresses need adding'
      : '';
  const texts = there.map(({ endpoint }) => formatBlock(endpoint));
  context.say(`already there: ${shortened(texts)}${why}`);
}

/** Written out first: it changes how the system starts. */
function persist(plan: readonly PlannedBlock[], context: AliasContext): void {
  const { path, text } = persistenceOf(context);
  const addresses = plan.flatMap(({ missing, present }) => [...present, ...missing]);
  const commands = addresses
    .filter((address) => !isOfSystem(address))
    .map(({ family, value }) => context.system.add(family, textOf({ family, value })));
  const content = text(commands);
  context.print(content.trimEnd());
  try {
    context.writeFile(path, content);
  } catch (error) {
    throw new LbcapError(
      'ALIAS_PERMISSION',
      `${path} cannot be written (${messageOf(error)})`,
      'run it as root',
      { cause: error },
    );
  }
  context.say(`written to ${path}`);
}

function persistenceOf({ system }: AliasContext) {
  if (system.persistence !== null) return system.persistence;
  throw new LbcapError(
    'PLATFORM_UNSUPPORTED',
    '--persist is for macOS',
    `here, ${system.persistenceAdvice}`,
  );
}

function printCommands(commands: readonly Words[], context: AliasContext): void {
  for (const words of commands) context.print(words.map(shellWord).join(' '));
}

function listed(addresses: readonly Address[]): string {
  return shortened(addresses.map(textOf));
}

function shortened(texts: readonly string[]): string {
  const most = 4;
  const rest = texts.length - most;
  return rest > 1 ? `${texts.slice(0, most).join(', ')} and ${rest} more` : texts.join(', ');
}
