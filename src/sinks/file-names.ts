/** What the files of a sink are called: a row of names for each link type, and numbers where they rotate. */
import { join } from 'node:path';
import { itemAt, mapped, type Sequence } from '../sequence.js';
import { linkTypeName } from '../packet/link-layer.js';
import { existingRings } from './output-place.js';
import { numberedName } from './rotation.js';

export interface FileNamesOptions {
  readonly directory: string;
  /** File names without extension, in the order of the classifier's outputs. */
  readonly names: Sequence<string>;
  /** `fileEnding`. */
  readonly ending: string;
  /** Each file of an output has a number. */
  readonly numbered: boolean;
  /** Files of others have it in their names. */
  readonly linkType: number;
}

/** `.pcap`, `.pcapng.zst`. */
export function fileEnding(extension: string, compression: string | null): string {
  return compression === null ? `.${extension}` : `.${extension}.${compression}`;
}

/** An id is an output's place in a link type's row: the row's start and the output. */
export class FileNames {
  readonly #options: FileNamesOptions;
  readonly #linkTypes: number[];
  /** How many files each id has had. */
  readonly #sequence: number[] = [];

  constructor(options: FileNamesOptions) {
    this.#options = options;
    this.#linkTypes = [options.linkType];
  }

  /** How many ids there are. */
  get count(): number {
    return this.#linkTypes.length * this.#options.names.length;
  }

  /** Where the row of a link type begins; a new one gets a row. */
  rowOf(linkType: number): number {
    const known = this.#linkTypes.indexOf(linkType);
    const row = known < 0 ? this.#linkTypes.push(linkType) - 1 : known;
    return row * this.#options.names.length;
  }

  outputOf(id: number): number {
    return id % this.#options.names.length;
  }

  linkTypeOf(id: number): number {
    return this.#linkTypes[this.#row(id)];
  }

  /** The path of the next file. */
  nextPath(id: number): string {
    const { names, directory, ending, numbered } = this.#options;
    const row = this.#row(id);
    let name = itemAt(names, this.outputOf(id));
    if (row > 0) {
      const type = this.#linkTypes[row];
      const others = this.#linkTypes.map(linkTypeName);
      // Several numbers stand for raw IP.
      const isOnly = others.indexOf(linkTypeName(type)) === row;
      name = `${name}.${linkTypeName(type)}${isOnly ? '' : `-${type}`}`;
      const taken = new Set(names);
      while (taken.has(name)) name += '_';
    }
    if (numbered) {
      const number = (this.#sequence[id] ?? 0) + 1;
      this.#sequence[id] = number;
      name = numberedName(name, number);
    }
    return join(directory, `${name}${ending}`);
  }

  /** What would be taken for files of this sink: those of any ring that is there, else all of them. */
  get claimed(): Sequence<string> {
    const { directory, names, ending, numbered } = this.#options;
    return numbered
      ? existingRings(directory, names, ending)
      : mapped(names, (name) => `${name}${ending}`);
  }

  #row(id: number): number {
    return Math.floor(id / this.#options.names.length);
  }
}
