/** Opens the captures that a command names: one after another, merged, or while they grow. */
import type { Command } from 'commander';
import { LbcapError } from '../errors.js';
import type { Arena, Region } from '../packet/arena.js';
import type { ByteInput } from '../sources/byte-input.js';
import { openFileInput } from '../sources/file-input.js';
import { openGrowingFile } from '../sources/follow.js';
import { MergeSource } from '../sources/merge.js';
import { openCapture, type OpenOptions } from '../sources/open.js';
import { inSequence } from '../sources/sequence.js';
import { isPipe, PipeInput } from '../sources/pipe-input.js';
import { StreamInput } from '../sources/stream-input.js';
import type { Source } from '../sources/source.js';
import { fileRegionSizes, smallRegionSizes } from '../sources/window.js';

/** As commander gives them. */
export interface RawInputOptions {
  readonly merge?: true;
  readonly follow?: true;
  readonly repair?: true;
}

/** Adds what `split` and `watch --read` both have. */
export function addInputOptions(command: Command): Command {
  return command
    .option('--follow', 'wait at the end of the file for more, until Ctrl-C')
    .option('--repair', 'skip what is damaged, and say how much that was');
}

/** More captures than this are not merged at once: each takes memory and an open file. */
const mostMerged = 256;

/** The inputs of one command. */
export class Inputs {
  readonly #files: readonly string[];
  readonly #options: RawInputOptions;

  /**
   * @param files paths, or `-`
   * @throws USAGE
   */
  constructor(files: readonly string[], options: RawInputOptions) {
    this.#files = files;
    this.#options = options;
    if (files.filter((file) => file === '-').length > 1) {
      throw new LbcapError('USAGE', '- is named twice', 'there is one standard input');
    }
    if (options.follow === true && (files.length > 1 || files[0] === '-')) {
      throw new LbcapError('USAGE', '--follow is for one file', 'a pipe needs no --follow');
    }
    if (options.merge === true && files.length > mostMerged) {
      throw new LbcapError(
        'USAGE',
        `--merge takes ${mostMerged} captures at most`,
        'merge them in two steps',
      );
    }
  }

  get isMerged(): boolean {
    return this.#options.merge === true && this.#files.length > 1;
  }

  /** What the arena needs for them. */
  get regionSizes(): readonly number[] {
    return this.isMerged ? this.#files.flatMap(() => smallRegionSizes) : fileRegionSizes;
  }

  /**
   * @param regions of the sizes above
   * @throws INPUT_IO, INPUT_FORMAT, INPUT_DAMAGED; then none stays open
   */
  async open(arena: Arena, regions: readonly Region[], wanted: OpenOptions): Promise<Source> {
    const options: OpenOptions = {
      ...wanted,
      repair: this.#options.repair === true,
      // Interfaces of different sections cannot be mixed: merged packets leave their blocks.
      blocks: wanted.blocks === true && !this.isMerged,
    };
    const each = this.isMerged ? smallRegionSizes.length : 0;
    const sources: Source[] = [];
    try {
      for (const [index, file] of this.#files.entries()) {
        const own = regions.slice(index * each, index * each + fileRegionSizes.length);
        sources.push(await openCapture(await this.#input(file), arena, own, options));
      }
      return this.isMerged ? new MergeSource(sources, arena) : inSequence(sources);
    } catch (error) {
      for (const source of sources) await source.close();
      throw error;
    }
  }

  #input(file: string): Promise<ByteInput> {
    if (file === '-') return Promise.resolve(standardInput());
    return this.#options.follow === true ? openGrowingFile(file) : openFileInput(file);
  }
}

function standardInput(): ByteInput {
  const name = 'standard input';
  return isPipe(0) ? new PipeInput(name, 0) : new StreamInput(name, process.stdin);
}
