/** Registries read into columns, beside the same ones read the long way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LbcapError } from '../../src/errors.js';
import type { Label } from '../../src/labels/label.js';
import { LabelColumns, namesOf } from '../../src/labels/label-columns.js';
import { compileLookup } from '../../src/labels/lookup.js';
import { chooseLabels } from '../../src/labels/parse.js';
import { registryOf, type Registry } from '../../src/labels/registry.js';
import { scanRegistry } from '../../src/labels/registry-scan.js';
import type { Sequence } from '../../src/sequence.js';

const path = '/somewhere/lbcap.json';

/** The text of a registry of these entries; `long` has what only the long way reads. */
function read(entries: string, long: boolean): Registry {
  const more = long ? ',"more":[1]' : '';
  return registryOf(Buffer.from(`{"labels":${entries}${more}}`), path);
}

type Outcome<T> = { readonly value: T } | { readonly code: string; readonly message: string };

function outcomeOf<T>(work: () => T): Outcome<T> {
  try {
    return { value: work() };
  } catch (error) {
    assert.ok(error instanceof LbcapError, String(error));
    // Where JSON is broken the words are V8's, with a piece of the text.
    const message = error.message.replace(/is not JSON .*/, 'is not JSON');
    return { code: error.code, message };
  }
}

const address = fc.tuple(fc.nat(3), fc.nat(255)).map(([a, b]) => `127.0.${a}.${b}`);
const otherAddress = fc.oneof(
  address.map((text) => `${text}:9092`),
  address.map((text) => `${text}/31`),
  address.map((text) => `${text}-127.0.3.255`),
  fc.constantFrom('::1', '[::1]:80', 'fd00::/64', '::ffff:127.0.0.2', '127.0.1.0/24:80'),
);
const noAddress = fc.constantFrom(
  '127.0.0.256',
  '127.0.0.01',
  '127.0.0',
  '127.0.0.1.2',
  '127.0.0.',
  '0127.0.0.1',
  '127.0.0.1 ',
  '',
  'ü',
  'x"y',
  'back\\slash',
  '127.0.0.1,127.0.0.2',
);
const name = fc.oneof(
  { weight: 60, arbitrary: fc.stringMatching(/^[a-zA-Z0-9][a-z0-9._-]{0,2}$/) },
  { weight: 1, arbitrary: fc.constantFrom('', '.', '-a', '__proto__', 'a b', 'ü', 'a"', 'a/b') },
  { weight: 1, arbitrary: fc.constantFrom('n'.repeat(63), 'n'.repeat(64)) },
);
const value = fc.oneof(
  { weight: 60, arbitrary: address },
  { weight: 6, arbitrary: otherAddress },
  { weight: 6, arbitrary: fc.array(fc.oneof(address, otherAddress), { maxLength: 3 }) },
  { weight: 1, arbitrary: noAddress },
  { weight: 1, arbitrary: fc.constantFrom(5, null, {}, ['127.0.0.1', 7]) },
);
const blank = fc.constantFrom('', '', '', ' ', '\n', '\r\n\t ');

/** JSON as people and programs write it, now and then with something that is none. */
const entries = fc
  .tuple(
    fc.array(fc.tuple(name, value, blank, blank, blank), { maxLength: 12 }),
    fc.oneof(
      { weight: 8, arbitrary: fc.constant(null) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.nat(200), fc.constantFrom('', ',', '}', '"', '\u0001', '.')),
      },
    ),
  )
  .map(([list, mistake]) => {
    const written = list.map(
      ([key, of, a, b, c]) => `${a}${JSON.stringify(key)}${b}:${c}${JSON.stringify(of)}${a}`,
    );
    const text = `{${written.join(',')}}`;
    if (mistake === null) return text;
    const at = Math.min(mistake[0], text.length - 1);
    return text.slice(0, at) + mistake[1] + text.slice(at + 1);
  });

const options = fc.array(
  fc
    .tuple(name, fc.option(fc.oneof(address, otherAddress)))
    .map(([label, text]) => (text === null ? label : `${label}=${text}`)),
  { maxLength: 3 },
);

/** Of every address that a label here may have, and some beside them, whose it is. */
function owners(labels: Sequence<Label>): number[] {
  const lookup = compileLookup(labels);
  const found = [lookup.usesPorts ? 1 : 0];
  for (let third = 0; third < 5; third++) {
    for (let last = 0; last < 256; last++) {
      const word = (127 << 24) | (third << 8) | last;
      for (const port of [0, 80, 9092]) found.push(lookup.v4(word, port));
    }
  }
  const view = new DataView(new ArrayBuffer(16));
  view.setUint8(15, 1);
  for (const port of [0, 80]) found.push(lookup.v6(view, 0, port));
  return found;
}

/** True when they choose labels; false when they refuse alike. */
function haveSameChoice(words: readonly string[], short: Registry, long: Registry): boolean {
  const chosen = outcomeOf(() => chooseLabels(words, short));
  const expected = outcomeOf(() => chooseLabels(words, long));
  if (!('value' in expected) || !('value' in chosen)) {
    assert.deepEqual(chosen, expected);
    return false;
  }
  const labels = [...expected.value];
  assert.deepEqual([...chosen.value], labels);
  assert.deepEqual([...namesOf(chosen.value)], [...namesOf(labels)]);
  assert.equal(chosen.value.at(-1)?.name, labels.at(-1)?.name);
  assert.deepEqual(owners(chosen.value), owners(labels));
  return true;
}

describe('a registry in columns', () => {
  it('has the labels, the errors and the lookups of one that is read the long way', () => {
    const seen = { columns: 0, refused: 0, chosen: 0 };
    fc.assert(
      fc.property(entries, fc.array(options, { maxLength: 3 }), (text, choices) => {
        const long = outcomeOf(() => read(text, true));
        const short = outcomeOf(() => read(text, false));
        if (!('value' in long) || !('value' in short)) {
          seen.refused++;
          assert.deepEqual(short, long);
          return;
        }
        if (short.value.labels instanceof LabelColumns) seen.columns++;
        assert.deepEqual([...short.value.labels], [...long.value.labels]);
        assert.deepEqual(short.value.entries, long.value.entries);
        for (const words of [[], ...choices]) {
          if (haveSameChoice(words, short.value, long.value)) seen.chosen++;
        }
      }),
      { numRuns: 2000 },
    );
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 200, `${what}: ${count}`);
  });

  it('takes whatever blanks JSON allows, and no others', () => {
    const blanks = ' \t\r\n';
    const text = (at: string) =>
      `${at}{${at}"labels"${at}:${at}{${at}"a"${at}:${at}"127.0.0.2"${at},${at}"b"${at}:${at}[${at}"::1"${at},${at}"::2"${at}]${at}}${at}}${at}`;
    assert.deepEqual([...(scanRegistry(Buffer.from(text(blanks)))?.names ?? [])], ['a', 'b']);
    for (const other of ['\v', '\f', '\u00a0', '\ufeff', 'x']) {
      assert.equal(scanRegistry(Buffer.from(text(other))), null, JSON.stringify(other));
    }
  });

  it('is refused at every cut of its text', () => {
    const text = '{"labels": {"a": "127.0.0.2", "b": ["127.0.0.3", "::1"]}}';
    for (let length = 0; length < text.length; length++) {
      assert.equal(scanRegistry(Buffer.from(text.slice(0, length))), null, `${length}`);
    }
    assert.notEqual(scanRegistry(Buffer.from(text)), null);
  });

  it('of 65,536 finds an address or a name that is there twice, and says whose', () => {
    const list = Array.from({ length: 65_536 }, (_, i) => {
      return `"n${i}":"127.${i >> 16}.${(i >> 8) & 255}.${i & 255}"`;
    });
    const registry = (...more: string[]) => read(`{${[...list, ...more].join(',')}}`, false);
    const labels = chooseLabels([], registry());
    assert.ok(labels instanceof LabelColumns);
    assert.equal(compileLookup(labels).v4((127 << 24) | (200 << 8) | 9, 0), 200 * 256 + 9);
    assert.deepEqual(labels.at(65_535)?.text, '127.0.255.255');
    assert.throws(() => registry('"n7":"127.9.0.1"'), {
      code: 'REGISTRY_INVALID',
      message: /labels has "n7" twice/,
    });
    for (const [text, where] of [
      ['127.0.200.9', '127\\.0\\.200\\.9'],
      ['127.0.200.9:80', '127\\.0\\.200\\.9:80'],
      ['127.0.200.8/30', '127\\.0\\.200\\.8'],
    ]) {
      assert.throws(() => chooseLabels([], registry(`"late":"${text}"`)), {
        code: 'LABEL_OVERLAP',
        message: new RegExp(`(?=.*"n5120\\d")(?=.*"late").*overlap at ${where}`),
      });
    }
  });
});
