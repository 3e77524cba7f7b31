/** A cgroup directory that this very process has just made: the only place programs may be put. */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { LbcapError } from '../errors.js';

/**
 * Programs on a cgroup see every connection of every process in it and below. On a directory
 * that others live in, the machine's own traffic would be relabelled. So the constructor itself
 * makes the directory, and each use checks again that it is neither its parent nor the root.
 */
export class FreshCgroup {
  readonly path: string;
  readonly name: string;
  readonly descriptor: number;
  readonly #parent: string;
  readonly #root: string;
  readonly #inode: bigint;

  /**
   * @param root where cgroup2 is mounted
   * @param parent a directory in there
   * @throws the error of mkdir(2), `EEXIST` included
   */
  constructor(root: string, parent: string, name: string) {
    this.name = name;
    this.path = join(parent, name);
    this.#parent = parent;
    this.#root = root;
    // Not recursive: an existing directory must be an error.
    mkdirSync(this.path, 0o755);
    this.descriptor = openSync(this.path, constants.O_RDONLY | constants.O_DIRECTORY);
    this.#inode = fstatSync(this.descriptor, { bigint: true }).ino;
    if (readFileSync(join(this.path, 'cgroup.procs'), 'latin1') !== '') {
      throw new LbcapError('INVARIANT', `the new cgroup ${this.path} has processes in it`);
    }
  }

  /** The open directory, after making sure that it is still ours alone. */
  checkedDescriptor(): number {
    const own = fstatSync(this.descriptor, { bigint: true });
    const parent = statSync(this.#parent, { bigint: true });
    const root = statSync(this.#root, { bigint: true });
    const sound =
      own.ino === this.#inode &&
      own.dev === parent.dev &&
      own.dev === root.dev &&
      own.ino !== parent.ino &&
      own.ino !== root.ino;
    if (sound) return this.descriptor;
    throw new LbcapError('INVARIANT', `${this.path} is not the cgroup that was made`);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
