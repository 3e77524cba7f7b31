import assert from 'node:assert/strict';
import { it } from 'node:test';
import { linePieces } from '../../src/cli/json-lines.js';
import { LazySequence } from '../../src/sequence.js';

it('writes in pieces what JSON.stringify writes at once', () => {
  for (const count of [0, 1, 999, 1000, 1001, 2000, 2500]) {
    const item = (index: number) => ({ name: `l${index}`, file: index % 2 === 0 ? null : 'ü"' });
    const rest = { event: 'end', left: undefined, counts: { a: [1, 2] }, none: null };
    const items = Array.from({ length: count }, (_, index) => item(index));
    for (const event of [
      { ...rest, labels: new LazySequence(count, item), last: 1 },
      { labels: new LazySequence(count, item), ...rest },
      { ...rest, labels: items },
    ]) {
      const pieces = [...linePieces(event)];
      assert.equal(pieces.join(''), `${JSON.stringify({ ...event, labels: items })}\n`);
      for (const piece of pieces) assert.ok(event.labels === items || piece.length < 60_000);
    }
  }
});
