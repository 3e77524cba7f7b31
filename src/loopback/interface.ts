/** The name of the loopback interface. */
import { platform } from './platform.js';

/** `lo` on Linux, `lo0` on macOS and the BSDs. */
export function loopbackInterface(): string {
  return platform() === 'linux' ? 'lo' : 'lo0';
}
