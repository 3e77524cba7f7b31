import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { concat, type Bytes } from '../../fixtures/frames.js';
import type { OpenOptions } from '../../src/sources/open.js';
import { readBytes, type Reading } from '../sources/read-all.js';
import { change, changed, corpus } from './changes.js';
import { fuzz } from './fuzz.js';

const options = fc.record({
  blocks: fc.boolean(),
  nanoseconds: fc.boolean(),
  repair: fc.boolean(),
}) satisfies fc.Arbitrary<OpenOptions>;

/** What must hold of any input: no crash (`readBytes` would reject), no more out than in. */
function check(bytes: Uint8Array, reading: Reading, { repair }: OpenOptions): void {
  const captured = reading.packets.reduce((sum, { data }) => sum + data.length, 0);
  assert.ok(captured <= bytes.length, 'packets are no longer than the file');
  assert.ok(16 * reading.packets.length <= bytes.length + 16);
  const left = reading.leftOut?.bytes ?? 0;
  assert.ok(left + captured <= bytes.length);
  if (repair !== true) assert.equal(left, 0);
  const offset = reading.error?.details['offset'];
  if (offset !== undefined) assert.ok(Number(offset) <= bytes.length);
}

async function checkAll(bytes: Bytes, wanted: OpenOptions, chunk: number): Promise<void> {
  const whole = await readBytes(bytes, wanted);
  check(bytes, whole, wanted);
  const pieces = await readBytes(bytes, wanted, chunk);
  assert.deepEqual(pieces.packets, whole.packets);
  assert.deepEqual(pieces.error?.message, whole.error?.message);
  assert.deepEqual({ ...pieces.leftOut }, { ...whole.leftOut });
  assert.ok(Buffer.from(pieces.preamble).equals(whole.preamble));
}

describe('captures that nobody made', () => {
  it('end with packets and one error, whatever was changed', async () => {
    await fuzz(
      'changed-captures',
      400,
      fc.asyncProperty(
        fc.nat(corpus.length - 1),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        options,
        fc.constantFrom(1, 5, 37),
        (which, changes, wanted, chunk) => checkAll(changed(corpus[which], changes), wanted, chunk),
      ),
    );
  });

  it('end likewise when they are noise behind a beginning', async () => {
    await fuzz(
      'noise',
      200,
      fc.asyncProperty(
        fc.nat(corpus.length - 1),
        fc.nat(64),
        fc.uint8Array({ maxLength: 300 }),
        options,
        async (which, kept, noise, wanted) => {
          await checkAll(concat(corpus[which].subarray(0, kept), noise), wanted, 3);
        },
      ),
    );
  });

  it('end likewise when they are compressed and changed', async () => {
    const compressed = corpus.map((bytes) => new Uint8Array(gzipSync(bytes)));
    await fuzz(
      'changed-gzip',
      150,
      fc.asyncProperty(
        fc.nat(compressed.length - 1),
        fc.array(change, { maxLength: 3 }),
        async (which, changes) => {
          const bytes = changed(compressed[which], changes);
          const reading = await readBytes(bytes, {}, 64);
          assert.ok(reading.packets.length < 100_000);
        },
      ),
    );
  });

  it('give of every beginning what is whole in it', async () => {
    for (const bytes of corpus) {
      const all = await readBytes(bytes, { blocks: true });
      let most = 0;
      for (let length = 0; length < bytes.length; length++) {
        const read = await readBytes(bytes.subarray(0, length), { blocks: true });
        assert.deepEqual(read.packets, all.packets.slice(0, read.packets.length));
        assert.ok(read.packets.length >= most);
        most = read.packets.length;
        if (read.error !== null) assert.match(read.error.code, /^INPUT_(FORMAT|DAMAGED)$/);
      }
    }
  });
});
