/** What `lbcap run` does. */
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { accountLines, type Account } from '../../binding/account.js';
import { claimAddress } from '../../binding/claim.js';
import type { MethodName } from '../../binding/method.js';
import type { Ipv6Mode } from '../../binding/plan.js';
import { run, type RunResult } from '../../binding/run.js';
import { sourcesOf, type Sources } from '../../binding/sources.js';
import { exitStatusOf, isSystemError, LbcapError, messageOf } from '../../errors.js';
import { firstFreeAddress } from '../../labels/allocation.js';
import { parseHosts, type HostsEntry } from '../../labels/hosts.js';
import type { Label } from '../../labels/label.js';
import { checkLabelName, parseLabel, parseLabels } from '../../labels/parse.js';
import { readRegistry } from '../../labels/registry.js';
import { registryPlace } from '../options.js';
import type { Capture } from '../capture-alongside.js';
import { dumpcapInstead } from '../dumpcap-instead.js';
import type { RunWords } from '../run-words.js';

type RunOptions = RunWords['options'];

/** The shell's words for a command that cannot be executed or found, and env(1)'s for its own. */
const commandStatus = { COMMAND_REFUSED: 126, COMMAND_UNKNOWN: 127 } as const;
const ownFailure = 125;

/**
 * @returns the exit status
 * @throws LbcapError for wrong words only: then nothing was touched
 */
export async function runAction(read: RunWords): Promise<number> {
  const { options, label: given, command, watchWords } = read;
  if (options.recipe === true) {
    const { recipeText } = await import('../../binding/recipes.js');
    process.stdout.write(recipeText((await labelOf(given ?? 'client', options)).label));
    return 0;
  }
  const [name, ...rest] = command;
  if (name === undefined) {
    throw new LbcapError(
      'USAGE',
      'there is no command to run',
      'put it behind --: lbcap run kafka-client=127.0.0.2 -- ./my-client',
    );
  }
  const { label, chosen } = await labelOf(given ?? nameOf(name), options);
  const sources = sourcesOf(label, options.pool === true);
  const ipv6 = ipv6Mode(text(options.ipv6), label, sources);
  const tell = (text: string) => {
    if (options.quiet !== true) say(`lbcap: ${text}`);
  };
  if (chosen) tell(`${label.name} is ${label.text}`);
  let result: RunResult;
  let capture: Capture | null = null;
  try {
    if (options.watch === true) {
      const { startCapture } = await import('../capture-alongside.js');
      capture = await startCapture(label, watchWords);
      if (capture.engine === 'dumpcap' && options.engine === undefined) tell(dumpcapInstead);
    }
    result = await run({
      sources,
      ipv6,
      server: options.server === true,
      rebind: options.rebind === true,
      method: methodName(text(options.method)),
      words: [name, ...rest],
      environment: process.env,
      onNotice: tell,
    });
  } catch (error) {
    // A capture of nothing: what it has to say is of no interest then.
    await capture?.stop().catch(() => undefined);
    return failed(error);
  }
  report(label, result, options);
  const captured = await endCapture(capture, tell);
  return result.status === 0 ? captured : result.status;
}

/** @returns 0, unless the capture has something to tell by its status */
async function endCapture(capture: Capture | null, tell: (text: string) => void): Promise<number> {
  if (capture === null) return 0;
  try {
    const { packets, file, dropped, status } = await capture.stop();
    const where = file === null ? '' : ` into ${file}: wireshark ${quoteWord(file)} opens it`;
    const lost = dropped === null || dropped === 0 ? '' : `, ${dropped} lost`;
    tell(`captured ${packets} packets${lost}${where}`);
    return status;
  } catch (error) {
    return failed(error);
  }
}

/** For a shell. */
function quoteWord(word: string): string {
  return /^[A-Za-z0-9._/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The value of an option that has one. */
function text(value: string | true | undefined): string | undefined {
  return value === true ? undefined : value;
}

function failed(error: unknown): number {
  if (error instanceof LbcapError && exitStatusOf(error) === 2) throw error;
  if (process.env['LBCAP_DEBUG'] === '1' && error instanceof Error) say(error.stack ?? '');
  say(`lbcap: ${messageOf(error)}`);
  if (!(error instanceof LbcapError)) return ownFailure;
  return error.code === 'COMMAND_REFUSED' || error.code === 'COMMAND_UNKNOWN'
    ? commandStatus[error.code]
    : ownFailure;
}

function report(label: Label, result: RunResult, options: RunOptions): void {
  const json = JSON.stringify(accountObject(label, result));
  const file = text(options.account);
  if (file !== undefined) {
    try {
      writeFileSync(file, `${json}\n`);
    } catch (error) {
      say(`lbcap: the account cannot be written to ${file} (${messageOf(error)})`);
    }
  }
  if (options.json === true) {
    say(json);
  } else if (options.quiet !== true) {
    for (const line of accountLines(label.name, label.text, result.account)) say(`lbcap: ${line}`);
  }
}

function accountObject(label: Label, { status, method, account }: RunResult) {
  return {
    event: 'run',
    label: label.name,
    address: label.text,
    method,
    status,
    ...(account satisfies Account),
  };
}

/** A label from the command line or the registry; `chosen` when its address was found here. */
async function labelOf(
  given: string,
  options: RunOptions,
): Promise<{ label: Label; chosen: boolean }> {
  const registry = readRegistry(
    registryPlace(typeof options.labels === 'string' ? { labels: options.labels } : {}),
  );
  const name = given.split('=', 1)[0];
  const find = (option: readonly string[]) =>
    parseLabels(option, registry).find((label) => label.name === name);
  if (given.includes('=')) {
    const label = find([given]);
    if (label !== undefined) return { label, chosen: false };
    throw new LbcapError('INVARIANT', `label ${name} was lost`);
  }
  checkLabelName(given);
  const known = find([]);
  if (known !== undefined) return { label: known, chosen: false };
  const taken = [...(registry?.labels ?? [])];
  const hosts = systemHosts();
  for (;;) {
    const label = parseLabel(name, [firstFreeAddress(name, taken, hosts)]);
    if (await claimAddress(label.text)) return { label, chosen: true };
    taken.push(label);
  }
}

/** A label's name from a command's: what a name may not have becomes a dash. */
function nameOf(command: string): string {
  const name = basename(command)
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63);
  return name === '' ? 'command' : name;
}

function systemHosts(): HostsEntry[] {
  try {
    return parseHosts(readFileSync('/etc/hosts', 'utf8'));
  } catch {
    // A machine without a hosts file names nothing in it.
    return [];
  }
}

function ipv6Mode(text: string | undefined, label: Label, sources: Sources): Ipv6Mode {
  const able = sources.ipv6.length > 0;
  switch (text) {
    case undefined:
      return able ? 'bind' : 'to4';
    case 'to4':
    case 'refuse':
      return text;
    case 'bind':
      if (able) return text;
      throw new LbcapError(
        'LABEL_ADDRESS',
        `label ${label.name} has no IPv6 address to bind to`,
        `give it one that lo has: ${label.name}=${label.text},fd00::2`,
      );
    default:
      throw new LbcapError('USAGE', `there is no --ipv6 ${text}`, 'use bind, to4 or refuse');
  }
}

function methodName(text: string | undefined): MethodName | null {
  if (text === undefined || text === 'auto') return null;
  if (text === 'bpf' || text === 'seccomp') return text;
  throw new LbcapError('USAGE', `there is no --method ${text}`, 'use bpf or seccomp');
}

/**
 * Straight to the descriptor: as a stream, Node would make it non-blocking for the child too. What
 * cannot be said, for the terminal is gone or a pipe is full, is not worth dying for.
 */
function say(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}
