/** koffi without its JavaScript, for the start of `run`: its binary is all that system calls need. */
import { createRequire } from 'node:module';
import type { Koffi } from './koffi.js';

/** The release whose binary is known to be laid out and to behave so: package.json pins it. */
const knownVersions = /^3\.3\./;

/**
 * koffi's own loader takes four fifths of the time that loading koffi takes. Its binary for Linux
 * with glibc is a package beside it that exports the same functions.
 *
 * @returns `null` where it is not as expected: then koffi itself has to find out
 */
export function loadKoffiAddon(arch: string): Koffi | null {
  const from = createRequire(import.meta.url);
  try {
    const beside = createRequire(from.resolve('koffi'));
    const addon = beside(`@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`) as Koffi & {
      readonly version: unknown;
    };
    return typeof addon.version === 'string' && knownVersions.test(addon.version) ? addon : null;
  } catch {
    return null;
  }
}
