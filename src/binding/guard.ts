/** A shell that outlives lbcap: when lbcap is killed, it ends the run's processes and cleans up. */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/** Says that lbcap ended as it should, so that there is nothing to do. */
export interface Guard {
  /** Missing where there is no shell. */
  readonly pid: number | undefined;
  dismiss(): void;
}

// Its standard input ends, without a line, when lbcap is gone however that came about. Descriptor 3
// is the cgroup's directory, which needs no path: the mount may be lbcap's own.
const forCgroup = `
read -r line && exit 0
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
read -r line && exit 0
for turn in 1 2 3 4 5; do
  # Its status tells of processes that ended meanwhile, too.
  found=$(grep -lzs "^LBCAP_RUN=$1$" /proc/[0-9]*/environ)
  [ -n "$found" ] || exit 0
  for file in $found; do pid=\${file#/proc/}; kill -9 "\${pid%/environ}"; done
done`;

/** @param directory an open directory of cgroup2 @param name what it is called in its parent */
export function guardCgroup(directory: number, name: string): Guard {
  return start(forCgroup, name, directory);
}

/** @param mark the value of LBCAP_RUN */
export function guardMark(mark: string): Guard {
  return start(forMark, mark, 'ignore');
}

function start(script: string, word: string, third: number | 'ignore'): Guard {
  // In a session of its own, for Ctrl-C is not meant for it.
  const shell = spawn('/bin/sh', ['-c', script, 'lbcap-guard', word], {
    stdio: ['pipe', 'ignore', 'ignore', third],
    detached: true,
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
  });
  // A system without a shell has no guard: the next run's sweep has to do.
  shell.on('error', () => undefined);
  shell.unref();
  const input = shell.stdin;
  input?.on('error', () => undefined);
  if (input instanceof Socket) input.unref();
  return {
    pid: shell.pid,
    dismiss() {
      input?.end('done\n');
    },
  };
}
