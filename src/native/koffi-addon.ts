/** koffi without its JavaScript, for the start of `run`: its binary is all that system calls need. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Koffi } from './koffi.js';

/** The release whose binary is known to be laid out and to behave so: package.json pins it. */
const knownVersions = /^3\.3\./;

/**
 * koffi's own loader takes four fifths of the time that loading koffi takes. Its binary for Linux
 * with glibc is a package that exports the same functions, and that npm puts into a node_modules
 * above this file. Node's own search for it would load its resolver of package exports first.
 *
 * @returns `null` where it is not as expected: then koffi itself has to find out
 */
export function loadKoffiAddon(arch: string): Koffi | null {
  const file = addonFile(`node_modules/@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`);
  if (file === null) return null;
  const loaded: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(loaded, file);
  } catch {
    return null;
  }
  const addon = loaded.exports as Koffi & { readonly version: unknown };
  return typeof addon.version === 'string' && knownVersions.test(addon.version) ? addon : null;
}

function addonFile(name: string): string | null {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, name);
    if (existsSync(file)) return file;
    const above = dirname(folder);
    if (above === folder) return null;
    folder = above;
  }
}
