/** What `lbcap ports` does. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { LbcapError } from '../../errors.js';
import { parseHosts, type HostsEntry } from '../../labels/hosts.js';
import type { Label } from '../../labels/label.js';
import { parseLabelOption, parseLabels } from '../../labels/parse.js';
import { freeName, poolOf } from '../../labels/pool.js';
import { quote } from '../../labels/quote.js';
import { readRegistry } from '../../labels/registry.js';
import { platform } from '../../loopback/platform.js';
import { capacityOfAddress, readPorts, type PortReport } from '../../loopback/port-report.js';
import { readEphemeralPorts } from '../../loopback/port-settings.js';
import { openSocketTables, type SocketTables } from '../../loopback/tcp-sockets.js';
import { portEvents } from '../../terminal/port-events.js';
import { createPortView, renderPortsFor } from '../../terminal/port-view.js';
import { formatCount, parseDuration } from '../../terminal/units.js';
import { jsonLines } from '../json-lines.js';
import { loadLabels, registryPlace, type LabelOptions } from '../options.js';
import { shellWord } from '../shell.js';
import { onSignals } from '../signals.js';

/** As commander gives them. */
export interface RawPortsOptions {
  connections?: string;
  watch?: true;
  interval?: string;
  json?: true;
}

/** Milliseconds between two looks; rates are of this time. */
const intervals = { once: 250, watch: 2000, shortest: 100 } as const;
/** What `run --pool` takes. */
const mostAddresses = 65_536;
const newLabel = 'load';

/** @throws LbcapError */
export async function ports(options: LabelOptions & RawPortsOptions): Promise<void> {
  if (options.connections !== undefined) {
    const other = (['watch', 'interval'] as const).find((name) => options[name] !== undefined);
    if (other !== undefined) {
      throw new LbcapError('USAGE', `--${other} is not for --connections`, 'leave one of them out');
    }
    await planConnections(options, connectionCount(options.connections));
    return;
  }
  const interval = intervalOf(options);
  const labels = [...loadLabels(options)];
  const tables = await openSocketTables();
  try {
    if (tables.refusal !== null) {
      say(`reading /proc/net/tcp, which takes longer (netlink: ${tables.refusal})`);
    }
    if (options.watch === true) await watchPorts(tables, labels, interval, options.json === true);
    else await showPorts(tables, labels, interval, options.json === true);
  } finally {
    tables.close();
  }
}

/** Two looks, for the rates between them. */
async function showPorts(
  tables: SocketTables,
  labels: readonly Label[],
  interval: number,
  json: boolean,
): Promise<void> {
  const before = await readPorts(tables, labels);
  await pause(Math.max(0, interval - (performance.now() - before.at)));
  const now = await readPorts(tables, labels);
  const lines = json
    ? portEvents(before, now, new Date()).map((event) => JSON.stringify(event))
    : renderPortsFor(process.stdout, process.env, before, now);
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function watchPorts(
  tables: SocketTables,
  labels: readonly Label[],
  interval: number,
  json: boolean,
): Promise<void> {
  const stopping = new AbortController();
  const stop = () => {
    stopping.abort();
  };
  const view = createPortView({ stream: process.stderr, env: process.env });
  const output = json ? jsonLines(process.stdout, stop) : null;
  let before: PortReport | null = null;
  let now = await readPorts(tables, labels);
  const forgetSignals = onSignals({
    stop,
    status: () => {
      view.notice(before, now);
    },
  });
  try {
    for (;;) {
      view.update(before, now);
      if (before !== null) {
        for (const event of portEvents(before, now, new Date())) output?.writeIfTaken(event);
      }
      // A look at many sockets takes its time: rest at least as long.
      const took = performance.now() - now.at;
      await pause(Math.max(took, interval - took), null, { signal: stopping.signal }).catch(
        () => undefined,
      );
      if (stopping.signal.aborted) break;
      const next = await readPorts(tables, labels);
      before = now;
      now = next;
    }
  } finally {
    forgetSignals();
    view.finish(before, now);
  }
  await output?.flushed();
  // Whoever read it and has gone, as in `| head -1`, has all it wanted.
  const failure = output?.error ?? null;
  if (failure !== null && failure.code !== 'OUTPUT_CLOSED') throw failure;
}

/** The label for so many connections to one server, alone on stdout. */
async function planConnections(
  options: LabelOptions & RawPortsOptions,
  connections: number,
): Promise<void> {
  const registry = readRegistry(registryPlace(options));
  const [chosen, ...more] = options.label ?? [];
  if (more.length > 0) {
    throw new LbcapError('USAGE', '--connections is for one label', 'give one --label, or none');
  }
  const registered = [...(registry?.labels ?? [])];
  // Those of the registry stay taken, though only one of them is meant.
  const isBare = registered.some(({ name }) => name === chosen);
  const labels = parseLabels(chosen === undefined || isBare ? [] : [chosen], registry);
  const wanted = chosen === undefined || isBare ? (chosen ?? null) : parseLabelOption(chosen).name;
  const label = labels.find(({ name }) => name === wanted) ?? null;
  const system = readEphemeralPorts();
  const perAddress = await capacity();
  const addresses = Math.ceil(connections / perAddress);
  if (addresses > mostAddresses) {
    throw new LbcapError(
      'USAGE',
      `--connections ${connections} takes ${addresses} addresses`,
      `lbcap run --pool has room for ${mostAddresses}: ${formatCount(mostAddresses * perAddress)} connections`,
    );
  }
  const name = wanted ?? freeName(newLabel, labels);
  const pool = poolOf(addresses, name, label, labels, systemHosts());
  const line = `${pool.name}=${pool.text}`;
  if (options.json === true) {
    const { first, last } = system.range;
    const range = { first, last, origin: system.origin };
    const found = { name, address: pool.text, addresses: pool.addresses, needed: addresses };
    print(JSON.stringify({ event: 'connections', connections, perAddress, range, ...found }));
    return;
  }
  print(line);
  const { first, last } = system.range;
  const plural = addresses === 1 ? 'one address' : `${formatCount(addresses)} addresses`;
  say(
    `${formatCount(connections)} connections to one server take ${plural}, for ${formatCount(perAddress)} each (${system.origin} ${first} to ${last})`,
  );
  if (label !== null && label.text === pool.text) say(`${name} has ${pool.addresses} already`);
  // connect(2) tries every second port first: native-notes/linux-ports.md.
  if (platform() === 'linux' && connections > (pool.addresses * perAddress) / 2) {
    const more = formatCount(Math.ceil((2 * connections) / perAddress));
    say(`connecting slows down beyond half of an address's ports: ${more} addresses keep it fast`);
  }
  if (platform() !== 'linux') {
    say('add the addresses to the loopback interface before: lbcap alias --help');
  }
  say(`use them with: lbcap run --pool ${shellWord(line)} -- COMMAND`);
}

async function capacity(): Promise<number> {
  const system = readEphemeralPorts();
  if (platform() !== 'linux') return capacityOfAddress(null, system);
  const tables = await openSocketTables();
  try {
    return await capacityOfAddress(tables, system);
  } finally {
    tables.close();
  }
}

function connectionCount(text: string): number {
  const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : NaN;
  if (value >= 1) return value;
  throw new LbcapError(
    'USAGE',
    `--connections ${quote(text)} is not a number of connections`,
    'give a whole number, such as 200000',
  );
}

function intervalOf(options: RawPortsOptions): number {
  if (options.interval === undefined) {
    return options.watch === true ? intervals.watch : intervals.once;
  }
  const interval = parseDuration(options.interval, '--interval');
  if (interval >= intervals.shortest) return interval;
  throw new LbcapError(
    'USAGE',
    `--interval ${options.interval} is too short to tell a rate`,
    `give ${intervals.shortest}ms or more`,
  );
}

function systemHosts(): HostsEntry[] {
  try {
    return parseHosts(readFileSync('/etc/hosts', 'utf8'));
  } catch {
    // A machine without a hosts file names nothing in it.
    return [];
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function say(text: string): void {
  process.stderr.write(`lbcap: ${text}\n`);
}
