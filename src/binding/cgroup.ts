/** The cgroup of one run: made, entered for the length of a fork, left, emptied and removed. */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  watch,
  write,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import { mountCgroup2 } from '../native/cgroup-mount.js';
import { FreshCgroup } from '../native/fresh-cgroup.js';
import { openKernel } from '../native/kernel.js';
import { parseCgroupMount, parseOwnCgroup, processMark } from './proc.js';
import { killAll } from './signal.js';

const prefix = 'lbcap-';

/** Where a run's directory goes. */
interface Place {
  readonly root: string;
  /** This process's own cgroup, in there. */
  readonly own: string;
  /** The mount that is ours alone, or `null`. */
  readonly descriptor: number | null;
}

export class RunCgroup {
  readonly fresh: FreshCgroup;
  readonly #place: Place;

  constructor(fresh: FreshCgroup, place: Place) {
    this.fresh = fresh;
    this.#place = place;
  }

  /**
   * Puts this process inside, so that a child is born there: no race, no wrapper. It takes an RCU
   * grace period, some 10 ms, in which other work can be done.
   */
  async enter(): Promise<void> {
    // Opened here: writeFile would come back to this thread, busy by then, before it writes.
    const procs = openSync(join(this.fresh.path, 'cgroup.procs'), 'w');
    try {
      await new Promise<void>((resolve, reject) => {
        write(procs, String(process.pid), (error) => {
          if (error === null) resolve();
          else reject(error);
        });
      });
    } finally {
      closeSync(procs);
    }
  }

  leave(): void {
    writeFileSync(join(this.#place.own, 'cgroup.procs'), String(process.pid));
  }

  /** Whether a process is in it or in a cgroup below. */
  populated(): boolean {
    return /^populated 1$/m.test(readFileSync(join(this.fresh.path, 'cgroup.events'), 'latin1'));
  }

  /** The processes that are in it, without those of runs inside this run. */
  processes(): number[] {
    const text = readFileSync(join(this.fresh.path, 'cgroup.procs'), 'latin1');
    return text.split('\n').filter(Boolean).map(Number);
  }

  /** Waits until the last process is gone. */
  async emptied(): Promise<void> {
    if (!this.populated()) return;
    await new Promise<void>((resolve, reject) => {
      // The kernel wakes watchers of cgroup.events by inotify: cgroups(7).
      const watcher = watch(join(this.fresh.path, 'cgroup.events'));
      const look = () => {
        try {
          if (this.populated()) return;
          resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(messageOf(error)));
        }
        watcher.close();
      };
      watcher.on('change', look).on('error', reject);
      // What happened before the watch began.
      look();
    });
  }

  /** Kills whatever is in it and below. */
  kill(): void {
    try {
      writeFileSync(join(this.fresh.path, 'cgroup.kill'), '1');
    } catch (error) {
      // Before 5.14.
      if (!isSystemError(error, 'ENOENT', 'EACCES')) throw error;
      killAll(() => this.processes());
    }
  }

  /** @throws the error of rmdir(2), `EBUSY` while a process is in it */
  remove(): void {
    for (const inner of leftovers(this.fresh.path)) removeTree(join(this.fresh.path, inner));
    rmdirSync(this.fresh.path);
    this.close();
  }

  close(): void {
    this.fresh.close();
    if (this.#place.descriptor !== null) closeSync(this.#place.descriptor);
  }
}

/**
 * Makes the cgroup of a run inside this process's own, and removes what killed runs left there.
 *
 * @throws LbcapError `RUN_PERMISSION` where it cannot be made
 */
export async function createCgroup(): Promise<RunCgroup> {
  const place = await findPlace();
  try {
    return createIn(place);
  } catch (error) {
    if (place.descriptor !== null) closeSync(place.descriptor);
    // A container's /sys/fs/cgroup is mostly read-only; a mount of one's own is not.
    if (place.descriptor !== null || !isSystemError(error, 'EROFS', 'EACCES', 'EPERM')) {
      throw refusal(place.own, error);
    }
  }
  const own = await ownMount();
  try {
    return createIn(own);
  } catch (error) {
    if (own.descriptor !== null) closeSync(own.descriptor);
    throw refusal(own.own, error);
  }
}

function createIn(place: Place): RunCgroup {
  sweep(place.own);
  const mark = processMark('self') ?? String(process.pid);
  return new RunCgroup(new FreshCgroup(place.root, place.own, `${prefix}${mark}`), place);
}

async function findPlace(): Promise<Place> {
  const root = parseCgroupMount(readFileSync('/proc/self/mounts', 'utf8'));
  if (root === null) return ownMount();
  return { root, own: join(root, ownPath()), descriptor: null };
}

function ownPath(): string {
  return parseOwnCgroup(readFileSync('/proc/self/cgroup', 'utf8'));
}

async function ownMount(): Promise<Place> {
  const kernel = await openKernel();
  let descriptor: number;
  try {
    descriptor = mountCgroup2(kernel);
  } catch (error) {
    throw refusal('/sys/fs/cgroup', error);
  }
  const root = `/proc/self/fd/${descriptor}`;
  return { root, own: join(root, ownPath()), descriptor };
}

function refusal(path: string, cause: unknown): LbcapError {
  return new LbcapError(
    'RUN_PERMISSION',
    `no cgroup can be made in ${path} (${messageOf(cause)})`,
    'run it with sudo, or use --method seccomp, which needs no rights',
    { cause },
  );
}

/** Removes the directories of runs that were killed. One that is still in use stays. */
function sweep(directory: string): void {
  for (const name of leftovers(directory)) {
    const mark = name.slice(prefix.length);
    if (processMark(Number(mark.split('-')[0])) === mark) continue;
    try {
      removeTree(join(directory, name));
    } catch (error) {
      // Not empty, or somebody else was faster.
      if (!isSystemError(error, 'EBUSY', 'ENOENT', 'EACCES', 'EPERM')) throw error;
    }
  }
}

function leftovers(directory: string): string[] {
  return readdirSync(directory).filter((name) => /^lbcap-[0-9]+-[0-9]+$/.test(name));
}

function removeTree(directory: string): void {
  for (const inner of leftovers(directory)) removeTree(join(directory, inner));
  rmdirSync(directory);
}
