/** Which operating system this is. The one place that asks `process.platform`. */

/** The systems that lbcap knows something about; `other` gets what POSIX and libpcap promise. */
export type Platform = 'linux' | 'darwin' | 'freebsd' | 'openbsd' | 'netbsd' | 'other';

const known: readonly string[] = ['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd'];

export function platform(): Platform {
  return known.includes(process.platform) ? (process.platform as Platform) : 'other';
}
