import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstOf, itemAt, LazySequence, mapped } from '../src/sequence.js';

describe('a lazy sequence', () => {
  const squares = new LazySequence(4, (index) => index * index);

  it('answers as an array of its items does', () => {
    const array = [0, 1, 4, 9];
    assert.deepEqual([...squares], array);
    assert.equal(squares.length, array.length);
    for (let index = -6; index < 6; index++) assert.equal(squares.at(index), array.at(index));
    assert.deepEqual(firstOf(squares, 2), [0, 1]);
    assert.deepEqual(firstOf(squares, 9), array);
    assert.equal(itemAt(squares, 3), 9);
    assert.throws(() => itemAt(squares, 4), RangeError);
  });

  it('makes what is asked for, and nothing else', () => {
    const made: number[] = [];
    const items = mapped(squares, (square, index) => {
      made.push(index);
      return `${square}`;
    });
    assert.deepEqual(made, []);
    assert.equal(items.at(2), '4');
    assert.deepEqual(firstOf(items, 1), ['0']);
    assert.deepEqual(made, [2, 0]);
  });

  it('is not what becomes of an array', () => {
    assert.deepEqual(
      mapped(['a', 'b'], (item, index) => `${item}${index}`),
      ['a0', 'b1'],
    );
  });
});
