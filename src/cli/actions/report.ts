/** What `lbcap report` does. */
import { closeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { LbcapError } from '../../errors.js';
import { findCaptures } from '../../handover/capture-paths.js';
import { makeReport, type MadeReport } from '../../handover/make-report.js';
import { terminalJson } from '../../handover/markdown-text.js';
import { reportMarkdown } from '../../handover/markdown.js';
import type { Label } from '../../labels/label.js';
import { dropPrivileges } from '../../privileges.js';
import { createFile, outputError, writeFully } from '../../sinks/output-file.js';
import { refuseExisting } from '../../sinks/output-place.js';
import { createProgress } from '../../terminal/progress.js';
import { reportFailure } from '../failure.js';
import { refuseInputs } from '../inputs.js';

/** As commander gives them. */
export interface ReportCommandOptions {
  readonly label?: readonly string[];
  readonly out?: string;
  readonly force?: true;
  readonly json?: true;
  readonly hops?: string;
  readonly all?: true;
}

const defaultHops = 40;

/** @returns the exit status */
export async function report(
  words: readonly string[],
  labels: readonly Label[],
  options: ReportCommandOptions,
): Promise<number> {
  const hops = options.all === true ? Infinity : parseHops(options.hops);
  const out = options.out === undefined || options.out === '-' ? null : options.out;
  const captures = await findCaptures(words);
  // Before a long capture is read, not after.
  if (out !== null) {
    const paths = captures.map(({ path }) => path);
    refuseInputs(paths, dirname(out), [basename(out)]);
    if (options.force !== true) refuseExisting(dirname(out), [basename(out)]);
  }
  const progress = createProgress({
    stream: process.stderr,
    env: process.env,
    name: 'report',
    total: null,
  });
  let made: MadeReport;
  try {
    made = await makeReport({
      captures,
      labels,
      hops,
      onProgress: (position) => {
        progress.update(position);
      },
    });
  } finally {
    progress.finish();
  }
  dropPrivileges(process.env);
  const shown = { ...made.report, silent: askedFor(made.report.silent, options.label ?? []) };
  const text = options.json === true ? `${terminalJson(shown)}\n` : reportMarkdown(shown);
  notices(made);
  if (out === null) process.stdout.write(text);
  else {
    writeReport(out, text, options.force === true);
    process.stderr.write(`  report written to ${out}\n`);
  }
  if (made.error === null) return 0;
  reportFailure(made.error);
  return 1;
}

function parseHops(text: string | undefined): number {
  if (text === undefined) return defaultHops;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new LbcapError(
    'USAGE',
    `--hops: "${text}" is not a number of hops`,
    'write 1 to 999999, or --all',
  );
}

/** What else the registry has is the user's own business. */
function askedFor(names: readonly string[], options: readonly string[]): string[] {
  const asked = new Set(options.map((option) => option.split('=', 1)[0]));
  return names.filter((name) => asked.has(name));
}

/** What was concluded, and what could not be. */
function notices({ report: { labels }, undecided }: MadeReport): void {
  for (const { name, address, origin } of labels) {
    if (origin !== 'file name') continue;
    process.stderr.write(`  ${name}  ${address}  every packet of its file has this address\n`);
  }
  for (const { name, addresses } of undecided) {
    const options = addresses.map((address) => `-l ${name}=${address}`).join(' or ');
    process.stderr.write(
      `  ${name}  every packet of its file has two addresses: give ${options}\n`,
    );
  }
}

function writeReport(path: string, text: string, force: boolean): void {
  const fd = createFile(path, force);
  try {
    const bytes = Buffer.from(text);
    writeFully(fd, bytes, 0, bytes.length, 0);
  } catch (error) {
    throw outputError(path, error);
  } finally {
    closeSync(fd);
  }
}
