/** Signals to processes that may have ended meanwhile. */
import { isSystemError } from '../errors.js';

/** Says nothing when the process is gone, or is not ours to signal. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isSystemError(error, 'ESRCH', 'EPERM')) throw error;
  }
}

/**
 * Kills every process that `list` gives, until it gives no new one: one may have been forking. Who has been
 * sent SIGKILL can fork no more (the kernel looks for it as the last thing before a child is there).
 */
export function killAll(list: () => readonly number[]): void {
  const killed = new Set<number>();
  for (;;) {
    const found = list().filter((pid) => !killed.has(pid));
    if (found.length === 0) return;
    for (const pid of found) {
      sendSignal(pid, 'SIGKILL');
      killed.add(pid);
    }
  }
}
