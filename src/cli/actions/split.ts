/** What `lbcap split` does. */
import type { Label } from '../../labels/label.js';
import { createArenaOf } from '../../packet/arena.js';
import { plainWalkSize } from '../../plain-walk.js';
import { dropPrivileges } from '../../privileges.js';
import type { Sequence } from '../../sequence.js';
import { createProgress } from '../../terminal/progress.js';
import { refuseInputs } from '../inputs.js';
import { Inputs, type RawInputOptions } from '../open-inputs.js';
import { outputRegionSizes } from '../open-output.js';
import { readOutputOptions, refuseTerminal, type RawOutputOptions } from '../output-options.js';
import { claimedFiles, planOutput } from '../output-plan.js';
import { runCapture } from '../run-capture.js';

/** As commander gives them. */
export interface SplitOptions extends RawOutputOptions, RawInputOptions {
  readonly strict?: true;
}

/** @returns the exit status */
export async function split(
  labels: Sequence<Label>,
  files: readonly string[],
  raw: SplitOptions,
): Promise<number> {
  const options = readOutputOptions(raw);
  const plan = planOutput(labels, options);
  refuseInputs(files, plan.directory, claimedFiles(plan));
  refuseTerminal(options, process.stdout);
  const inputs = new Inputs(files, raw);
  const { arena, regions } = createArenaOf({
    input: inputs.regionSizes,
    output: outputRegionSizes(plan, false),
    walk: [plainWalkSize(labels.length)],
  });
  const source = await inputs.open(arena, regions.input, {
    // Blocks of pcapng can be copied as they are, with all that hangs on them.
    blocks: options.kind === 'pcapng',
    nanoseconds: raw.nano === true,
  });
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
    regions: regions.output,
    walkRegion: regions.walk[0],
    plan,
    // The capture's own unit stays, unless another is asked for.
    nanoseconds: raw.nano === true,
    json: raw.json === true,
    strict: raw.strict === true,
    // A file that grows is watched: what came is there to see.
    live: raw.follow === true,
    watchPorts: false,
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
    opening: `splitting ${source.name}${raw.follow === true ? ' as it grows, Ctrl-C ends' : ''}`,
  });
}
