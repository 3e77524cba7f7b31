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
