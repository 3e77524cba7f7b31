/** What a test started and made, ended and removed with it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** What a test started, to be ended in reverse: node's own `after` hooks run first come, first served. */
export class Endings {
  readonly #steps: (() => unknown)[] = [];

  constructor(t: TestContext) {
    t.after(async () => {
      for (const step of this.#steps.reverse()) await step();
    });
  }

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** A folder that goes with the test. */
  async scratchFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'lbcap-scenario-'));
    this.add(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }
}
