/** A shell that outlives lbcap: when lbcap is killed, it ends the run's processes and cleans up. */
import { closeSync, openSync } from 'node:fs';
import { isSystemError } from '../errors.js';
import type { Kernel } from '../native/kernel.js';
import { openPipe, spawnProgram } from '../native/spawn.js';
import { Waiter } from '../native/wait.js';
import { sendSignal } from './signal.js';

export interface Guard {
  /** lbcap ends as it should: there is nothing to do. */
  dismiss(): void;
}

// Its standard input ends when lbcap is gone, however that came about. Descriptor 3 is the cgroup's
// directory, which needs no path: the mount may be lbcap's own.
const forCgroup = `
read -r line
cd -P /proc/self/fd/3 || exit 0
echo 1 > cgroup.kill || while read -r pid; do kill -9 "$pid"; done < cgroup.procs
cd ..
for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  rmdir "$1"/lbcap-*
  rmdir "$1" && exit 0
  sleep 0.05
done`;

// Without a cgroup, the processes are those that have the run's mark in their environment.
const forMark = `
read -r line
for turn in 1 2 3 4 5; do
  # Its status tells of processes that ended meanwhile, too.
  found=$(grep -lzs "^LBCAP_RUN=$1$" /proc/[0-9]*/environ)
  [ -n "$found" ] || exit 0
  for file in $found; do pid=\${file#/proc/}; kill -9 "\${pid%/environ}"; done
done`;

/** @param directory an open directory of cgroup2 @param name what it is called in its parent */
export function guardCgroup(kernel: Kernel, directory: number, name: string): Guard {
  return start(kernel, forCgroup, name, [directory]);
}

/** @param mark the value of LBCAP_RUN */
export function guardMark(kernel: Kernel, mark: string): Guard {
  return start(kernel, forMark, mark, []);
}

function start(
  kernel: Kernel,
  script: string,
  word: string,
  descriptors: readonly number[],
): Guard {
  const nowhere = openSync('/dev/null', 'w');
  const pipe = openPipe(kernel);
  try {
    const pid = spawnProgram(kernel, {
      file: '/bin/sh',
      words: ['/bin/sh', '-c', script, 'lbcap-guard', word],
      environment: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
      descriptors: [pipe.read, nowhere, nowhere, ...descriptors],
      // Ctrl-C is not meant for it.
      ownSession: true,
    });
    return {
      dismiss() {
        sendSignal(pid, 'SIGKILL');
        new Waiter(kernel).buryKilled(pid);
        closeSync(pipe.write);
      },
    };
  } catch (error) {
    closeSync(pipe.write);
    // A system without a shell has no guard: the next run's sweep has to do.
    if (isSystemError(error, 'ENOENT')) return { dismiss: () => undefined };
    throw error;
  } finally {
    closeSync(pipe.read);
    closeSync(nowhere);
  }
}
