/** The registry's text. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatRegistry, parseRegistry } from '../../src/labels/registry-json.js';

const names = (text: string): string[] => parseRegistry(text, 'f').map(({ name }) => name);

describe('reading', () => {
  it('takes an address or a list of them', () => {
    const text = '{"labels": {"kafka-client": "127.0.0.2", "loadgen": ["127.0.1.0/28"]}}';
    assert.deepEqual(parseRegistry(text, 'f'), [
      { name: 'kafka-client', value: '127.0.0.2' },
      { name: 'loadgen', value: ['127.0.1.0/28'] },
    ]);
    assert.deepEqual(parseRegistry('{"labels": {}}', 'f'), []);
    assert.deepEqual(parseRegistry('\uFEFF{"labels": {}}', 'f'), []);
  });

  it('keeps the order of the file, of names that are numbers too', () => {
    assert.deepEqual(names('{"labels": {"b": "1", "10": "2", "2": "3", "a": "4"}}'), [
      'b',
      '10',
      '2',
      'a',
    ]);
  });

  it('is not led astray by what looks like a name', () => {
    const text = String.raw`{"x": {"labels": {"no": 1}}, "y": ["labels", {"no": "{"}],
      "la\u0062els": {"a\"}": "}{\"b\":", "c": ["d", "e:"]}, "z": "labels"}`;
    assert.deepEqual(names(text), ['a"}', 'c']);
  });

  it('is safe from names with a meaning in JavaScript', () => {
    const text = '{"labels": {"__proto__": "1", "constructor": "2", "toString": ["3"]}}';
    assert.deepEqual(parseRegistry(text, 'f'), [
      { name: '__proto__', value: '1' },
      { name: 'constructor', value: '2' },
      { name: 'toString', value: ['3'] },
    ]);
    assert.equal(({} as Record<string, unknown>)['1'], undefined);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /f is not JSON/],
    ['{"labels": {', /f is not JSON/],
    ['{"labels": {}} x', /f is not JSON/],
    ['[]', /f holds a list/],
    ['null', /f holds null/],
    ['"x"', /f holds a string/],
    ['{}', /f has no field "labels"/],
    ['{"labels": []}', /f: labels is a list/],
    ['{"labels": null}', /f: labels is null/],
    ['{"labels": {"a": 5}}', /f: labels\.a is a number/],
    ['{"labels": {"a": null}}', /f: labels\.a is null/],
    ['{"labels": {"a": {"b": "c"}}}', /f: labels\.a is an object/],
    ['{"labels": {"a": []}}', /f: labels\.a is an empty list/],
    ['{"labels": {"a": ["127.0.0.2", 5]}}', /f: labels\.a\[1\] is a number/],
    ['{"labels": {"a": "127.0.0.2", "a": "127.0.0.3"}}', /f: labels has "a" twice/],
  ];
  for (const [text, words] of wrong) {
    it(`refuses ${text}`, () => {
      assert.throws(() => parseRegistry(text, 'f'), { code: 'REGISTRY_INVALID', message: words });
    });
  }
});

describe('writing', () => {
  const entries = [
    { name: 'b', value: '127.0.0.2' },
    { name: '1', value: ['127.0.0.3', '::1'] },
  ];

  it('makes a file that reads the same, in order, by two spaces', () => {
    const text = formatRegistry(null, entries, 'f');
    assert.equal(
      text,
      '{\n  "labels": {\n    "b": "127.0.0.2",\n    "1": ["127.0.0.3", "::1"]\n  }\n}\n',
    );
    assert.deepEqual(parseRegistry(text, 'f'), entries);
    assert.equal(formatRegistry(null, [], 'f'), '{\n  "labels": {}\n}\n');
  });

  it('keeps every other field and their order', () => {
    const old =
      '{"first": {"deep": [1, {"x": null}]}, "labels": {"gone": "1"}, "__proto__": "kept"}';
    const text = formatRegistry(old, entries, 'f');
    assert.deepEqual(parseRegistry(text, 'f'), entries);
    assert.match(text, /"first"[^]*"labels"[^]*"__proto__": "kept"/);
    const { labels, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const { labels: before, ...others } = JSON.parse(old) as Record<string, unknown>;
    assert.deepEqual(rest, others);
    assert.notDeepEqual(labels, before);
  });
});
