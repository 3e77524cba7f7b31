/** Says what a test needs and this machine lacks: the reason that a skip prints, an error in CI. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** `'capture'` is the right to capture; anything else is a program to be found in PATH. */
export type Requirement = 'capture' | (string & {});

/**
 * For a test's `skip` option: `false` when all is there, else the reason.
 * @throws in CI, where a test that silently does not run would be a lie
 */
export function lacking(...requirements: readonly Requirement[]): string | false {
  const reasons = requirements
    .map((requirement) =>
      requirement === 'capture' ? captureRefusal() : programRefusal(requirement),
    )
    .filter((reason) => reason !== null);
  if (reasons.length === 0) return false;
  const text = reasons.join('; ');
  if (process.env['CI'] === 'true') throw new Error(`this test may not be skipped in CI: ${text}`);
  return text;
}

/** True when the program is an executable file in PATH. */
export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function programRefusal(name: string): string | null {
  return hasProgram(name) ? null : `${name} is not installed`;
}

/** Root is what the tests ask for: they also change owners, mount a small tmpfs and run tcpdump. */
function captureRefusal(): string | null {
  return process.getuid?.() === 0 ? null : 'no right to capture: run the tests as root (sudo)';
}
