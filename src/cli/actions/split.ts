/** What `lbcap split` does. */
import type { Label } from '../../labels/label.js';
import { createArena } from '../../packet/arena.js';
import { dropPrivileges } from '../../privileges.js';
import { slotSizes } from '../../sinks/slots.js';
import { openFileInput, StreamInput, type ByteInput } from '../../sources/byte-input.js';
import { openCapture } from '../../sources/open.js';
import { fileRegionSizes } from '../../sources/window.js';
import { inSequence } from '../../sources/sequence.js';
import type { Source } from '../../sources/source.js';
import { createProgress } from '../../terminal/progress.js';
import { refuseInputs } from '../inputs.js';
import { defaultDirectory, planOutput } from '../output-plan.js';
import { runCapture } from '../run-capture.js';
import { directory, requirePcap } from '../watch-options.js';

/** As commander gives them. */
export interface SplitOptions {
  readonly out?: string;
  readonly format: string;
  readonly nano?: true;
  readonly others?: true;
  readonly force?: true;
  readonly json?: true;
  readonly strict?: true;
}

/** @returns the exit status */
export async function split(
  labels: readonly Label[],
  files: readonly string[],
  options: SplitOptions,
): Promise<number> {
  requirePcap(options.format);
  const out = options.out === undefined ? defaultDirectory(new Date()) : directory(options.out);
  const plan = planOutput(labels, options.others === true, out);
  refuseInputs(files, plan.paths);
  const { arena, regions } = createArena([...fileRegionSizes, ...slotSizes(plan.names.length)]);
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
    slots: regions.slice(fileRegionSizes.length),
    plan,
    force: options.force === true,
    nanoseconds: options.nano === true,
    json: options.json === true,
    strict: options.strict === true,
    live: false,
    view: {
      update: (_, { position }) => {
        progress.update(position);
      },
      notice: (line) => {
        process.stderr.write(`${line}\n`);
      },
      finish: () => {
        progress.finish();
      },
    },
    duration: null,
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
