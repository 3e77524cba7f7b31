/** What the tests of `lbcap run` look at: cgroups, descriptors and programs that are left. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { countObjects } from '../../src/native/bpf.js';
import { openKernel } from '../../src/native/kernel.js';
import { parseCgroupMount, processMark } from '../../src/binding/proc.js';

/** The directories of runs whose lbcap is gone, at any depth. */
export function leftCgroups(): string[] {
  return runCgroups().filter((path) => {
    const mark = basename(path).slice('lbcap-'.length);
    return processMark(Number(mark.split('-')[0])) !== mark;
  });
}

function runCgroups(): string[] {
  const mount = parseCgroupMount(readFileSync('/proc/self/mounts', 'utf8'));
  if (mount === null) return [];
  const found: string[] = [];
  const visit = (directory: string) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(directory, entry.name);
      if (entry.name.startsWith('lbcap-')) found.push(path);
      try {
        visit(path);
      } catch {
        // Removed meanwhile.
      }
    }
  };
  visit(mount);
  return found;
}

/** Programs, links and maps of the whole machine. */
export async function bpfObjects(): Promise<readonly number[]> {
  const kernel = await openKernel();
  return (['program', 'link', 'map'] as const).map((kind) => countObjects(kernel, kind));
}

/** Processes whose command line holds a text. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    });
}

/** Waits until `look` gives true; false when that takes too long. */
export async function within(
  milliseconds: number,
  look: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const until = performance.now() + milliseconds;
  while (!(await look())) {
    if (performance.now() > until) return false;
    await pause(20);
  }
  return true;
}
