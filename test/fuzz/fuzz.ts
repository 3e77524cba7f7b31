/** Runs properties: a little in `npm test`, much in `npm run fuzz`, and what was ever found again each time. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';

/** What makes fast-check try a failing example again. */
interface Found {
  readonly seed: number;
  readonly path: string;
}

/** The same examples on every machine, but for `npm run fuzz`, which says how many it wants. */
const fixedSeed = 20_261_121;
const wanted = Number(process.env['LBCAP_FUZZ_RUNS'] ?? 0);

/**
 * @param name of the file in fixtures/fuzz that keeps what was found
 * @param runs in `npm test`
 */
export async function fuzz<T extends unknown[]>(
  name: string,
  runs: number,
  property: fc.IAsyncProperty<T>,
): Promise<void> {
  const path = `fixtures/fuzz/${name}.json`;
  const known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Found[]) : [];
  for (const { seed, path } of known) await expectNone(fc.check(property, { seed, path }));
  const parameters =
    wanted === 0 ? { seed: fixedSeed, numRuns: runs } : { numRuns: wanted, verbose: 1 };
  const details = await fc.check(property, parameters);
  if (details.failed && wanted > 0 && details.counterexamplePath !== null) {
    const found: Found = { seed: details.seed, path: details.counterexamplePath };
    writeFileSync(path, `${JSON.stringify([...known, found], null, 2)}\n`);
  }
  await expectNone(Promise.resolve(details));
}

async function expectNone<T>(
  checking: Promise<fc.RunDetails<T>> | fc.RunDetails<T>,
): Promise<void> {
  const details = await checking;
  assert.ok(!details.failed, fc.defaultReportMessage(details));
}
