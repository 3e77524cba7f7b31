/** What `lbcap split` does. */
import type { Label } from '../../labels/label.js';
import { createArena } from '../../packet/arena.js';
import { dropPrivileges } from '../../privileges.js';
import { openFileInput, StreamInput, type ByteInput } from '../../sources/byte-input.js';
import { openCapture } from '../../sources/open.js';
import { fileRegionSizes } from '../../sources/window.js';
import { inSequence } from '../../sources/sequence.js';
import type { Source } from '../../sources/source.js';
import { createProgress } from '../../terminal/progress.js';
import { refuseInputs } from '../inputs.js';
import { outputRegionSizes } from '../open-output.js';
import { readOutputOptions, refuseTerminal, type RawOutputOptions } from '../output-options.js';
import { claimedPaths, planOutput } from '../output-plan.js';
import { runCapture } from '../run-capture.js';

/** As commander gives them. */
export interface SplitOptions extends RawOutputOptions {
  readonly strict?: true;
}

/** @returns the exit status */
export async function split(
  labels: readonly Label[],
  files: readonly string[],
  raw: SplitOptions,
): Promise<number> {
  const options = readOutputOptions(raw);
  const plan = planOutput(labels, options);
  refuseInputs(files, plan.directory, claimedPaths(plan));
  refuseTerminal(options, process.stdout);
  const { arena, regions } = createArena([...fileRegionSizes, ...outputRegionSizes(plan)]);
  const input = regions.slice(0, fileRegionSizes.length);
  const source = await openAll(files, (opened) => openCapture(opened, arena, input));
  dropPrivileges(process.env);
  const progress = createProgress({
    stream: process.stderr,
    env: process.env,
    name: source.name,
    total: source.size,
  });
  return runCapture({
    labels,
    source,
    engine: 'file',
    arena,
    regions: regions.slice(fileRegionSizes.length),
    plan,
    // The capture's own unit stays, unless another is asked for.
    nanoseconds: raw.nano === true,
    json: raw.json === true,
    strict: raw.strict === true,
    live: false,
    view: {
      update: () => {
        progress.update(source.position);
      },
      notice: (line) => {
        process.stderr.write(`${line}\n`);
      },
      finish: () => {
        progress.finish();
      },
    },
    duration: null,
    filter: null,
    opening: `splitting ${source.name}`,
  });
}

async function openAll(
  files: readonly string[],
  open: (input: ByteInput) => Promise<Source>,
): Promise<Source> {
  const sources: Source[] = [];
  try {
    for (const file of files) {
      const input =
        file === '-' ? new StreamInput('standard input', process.stdin) : await openFileInput(file);
      sources.push(await open(input));
    }
    return inSequence(sources);
  } catch (error) {
    for (const source of sources) await source.close();
    throw error;
  }
}
