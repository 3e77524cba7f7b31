/** What users write: every accepted form, and every refusal with its code and remedy. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LbcapError, type ErrorCode } from '../../src/errors.js';
import { formatEndpoint } from '../../src/labels/address.js';
import { parseLabel, parseLabelOption, parseLabels } from '../../src/labels/parse.js';
import { registryOf } from '../../src/labels/registry.js';

const endpoints = (...addresses: string[]): string[] =>
  parseLabel('a', addresses).endpoints.map(formatEndpoint);

function assertRefused(action: () => unknown, code: ErrorCode, ...words: RegExp[]): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof LbcapError);
    assert.equal(error.code, code, error.message);
    assert.doesNotMatch(error.message, /\n/);
    assert.ok(error.message.length < 300, 'a line that fits');
    for (const word of words) assert.match(error.message, word);
    return true;
  });
}

describe('addresses', () => {
  const accepted: readonly (readonly [string, ...string[]])[] = [
    ['127.0.0.2', '127.0.0.2'],
    ['127.0.0.2/32', '127.0.0.2'],
    ['127.0.1.0/28', '127.0.1.0/28'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['127.0.1.1-127.0.1.8', '127.0.1.1', '127.0.1.2/31', '127.0.1.4/30', '127.0.1.8'],
    ['127.0.1.0-127.0.1.255', '127.0.1.0/24'],
    ['127.0.1.5-127.0.1.5', '127.0.1.5'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['FD00:0:0::0A', 'fd00::a'],
    ['fd00::/64', 'fd00::/64'],
    ['::/0', '::/0'],
    ['fd00::1-fd00::3', 'fd00::1', 'fd00::2/127'],
    ['::ffff:127.0.0.2', '127.0.0.2'],
    ['::ffff:7f00:2', '127.0.0.2'],
    ['::ffff:127.0.1.0/124', '127.0.1.0/28'],
    ['::ffff:127.0.1.1-::ffff:127.0.1.2', '127.0.1.1', '127.0.1.2'],
    ['127.0.0.1:9092', '127.0.0.1:9092'],
    ['127.0.0.1:65535', '127.0.0.1:65535'],
    ['127.0.1.0/28:9092', '127.0.1.0/28:9092'],
    ['127.0.1.2-127.0.1.3:9092', '127.0.1.2/31:9092'],
    ['[::1]:9092', '[::1]:9092'],
    ['[fd00::/64]:9092', '[fd00::/64]:9092'],
    ['[fd00::2-fd00::3]:9092', '[fd00::2/127]:9092'],
    ['[::ffff:127.0.0.2]:9092', '127.0.0.2:9092'],
    // Without brackets it is an address, and a legal one.
    ['0:0:0:0:0:0:1:9092', '::1:9092'],
  ];
  for (const [text, ...expected] of accepted) {
    it(`${text} is ${expected.join(' ')}`, () => {
      assert.deepEqual(endpoints(text), expected);
    });
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['::1:9092', /\[::1\]:9092/],
    ['', /no address/],
    ['127.0.0.256', /0 to 255/],
    ['127.0.0.2/33', /"\/33".*0 to 32/],
    ['::1/129', /"\/129".*0 to 128/],
    ['127.0.0.2/', /prefix length/],
    ['127.0.0.0/08', /prefix length/],
    ['127.0.0.0/8/8', /prefix length/],
    ['127.0.0.2/-1', /prefix length/],
    ['1.2.3', /four numbers/],
    ['127.1', /four numbers/],
    ['2130706434', /four numbers/],
    ['1.2.3.4.5', /four numbers/],
    ['010.0.0.1', /leading zeros/],
    ['127.0.0.02', /leading zeros/],
    ['0x7f.0.0.1', /is not an address/],
    ['127.0.0.1 ', /is not an address/],
    ['localhost', /is not an address.*127\.0\.0\.2/],
    ['127.0.0.1/8', /127\.0\.0\.0\/8 for the block or 127\.0\.0\.1 for the one/],
    ['fd00::1/64', /fd00::\/64 for the block/],
    ['127.0.0.9-127.0.0.2', /reversed.*127\.0\.0\.2-127\.0\.0\.9/],
    ['fd00::9-fd00::1', /reversed/],
    ['127.0.0.2-::3', /IP version/],
    ['127.0.0.2-', /is not an address/],
    ['-127.0.0.2', /is not an address/],
    ['127.0.0.2-127.0.0.3-127.0.0.4', /is not an address/],
    ['127.0.0.0-127.0.0.8/30', /is not an address|prefix/],
    ['127.0.0.1:0', /1 to 65535/],
    ['127.0.0.1:65536', /1 to 65535/],
    ['127.0.0.1:', /1 to 65535/],
    ['127.0.0.1:09092', /1 to 65535/],
    ['127.0.0.1:http', /1 to 65535/],
    ['127.0.0.1:80:90', /is not an address/],
    [':9092', /is not an address/],
    ['[::1]:0', /1 to 65535/],
    ['[::1]9092', /brackets/],
    ['[::1', /brackets/],
    ['::1]', /is not an address/],
    ['[127.0.0.1]:9092', /brackets.*127\.0\.0\.1:9092/],
    ['[]:9092', /brackets/],
    ['fe80::1%lo', /zone.*leave out "%lo"/],
    ['1::2::3', /\[::1\]:9092/],
    ['127.0.0.1,', /is empty/],
    ['127.0.0.1\n', /"127\.0\.0\.1\\n"/],
    ['9'.repeat(5000), /9…"/],
  ];
  for (const [text, words] of refused) {
    it(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
      assertRefused(() => parseLabels([`a=${text}`], null), 'LABEL_ADDRESS', /label "a"/, words);
    });
  }

  it('inside one label may overlap: they are merged', () => {
    assert.deepEqual(endpoints('127.0.0.0/30', '127.0.0.2', '127.0.0.4'), [
      '127.0.0.0/30',
      '127.0.0.4',
    ]);
    assert.deepEqual(endpoints('127.0.0.1', '127.0.0.1:9092'), ['127.0.0.1']);
  });

  it('stay as written in the text', () => {
    assert.equal(
      parseLabel('a', ['FD00::0A', '127.0.1.1-127.0.1.8']).text,
      'FD00::0A,127.0.1.1-127.0.1.8',
    );
  });
});

describe('names', () => {
  for (const name of ['a', '1', 'kafka-client', 'A.b_c-9', 'constructor', 'x'.repeat(63)]) {
    it(`${name.slice(0, 20)} is a name`, () => {
      assert.equal(parseLabels([`${name}=127.0.0.2`], null)[0].name, name);
    });
  }
  for (const name of [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    '/',
    '-a',
    '_a',
    '__proto__',
    'a b',
    'ä',
    'a\n',
    'x'.repeat(64),
    'x'.repeat(300),
  ]) {
    it(`${JSON.stringify(name.slice(0, 20))} is none`, () => {
      assertRefused(() => parseLabels([`${name}=127.0.0.2`], null), 'LABEL_SYNTAX', /name/, /63/);
    });
  }
  it('come before the first equals sign', () => {
    assert.deepEqual(parseLabelOption('a=b=c,d'), { name: 'a', addresses: ['b=c', 'd'] });
    assertRefused(() => parseLabelOption('kafka'), 'LABEL_SYNTAX', /"kafka" has no address/);
  });
});

describe('labels together', () => {
  const registry = registryOf(
    Buffer.from(
      '{"labels": {"one": "127.0.0.2", "two": ["127.0.1.0/28", "::1"], "three": "127.0.0.4"}}',
    ),
    '/somewhere/lbcap.json',
  );
  const summary = (options: readonly string[]): string[] =>
    parseLabels(options, registry).map(({ name, text }) => `${name}=${text}`);

  it('are those of the registry, then those of the command line, each in its order', () => {
    assert.deepEqual(summary(['z=127.0.0.8', 'b=127.0.0.7']), [
      'one=127.0.0.2',
      'two=127.0.1.0/28,::1',
      'three=127.0.0.4',
      'z=127.0.0.8',
      'b=127.0.0.7',
    ]);
  });

  it('are overridden by name', () => {
    assert.deepEqual(summary(['one=127.0.0.4:9092', 'three=127.0.0.2']), [
      'two=127.0.1.0/28,::1',
      'one=127.0.0.4:9092',
      'three=127.0.0.2',
    ]);
  });

  it('may not be given twice', () => {
    assertRefused(
      () => parseLabels(['a=127.0.0.2', 'b=127.0.0.3', 'a=127.0.0.4'], null),
      'LABEL_DUPLICATE',
      /"a" is given twice/,
    );
  });

  it('may not overlap what the registry has: the error says where that is', () => {
    assertRefused(
      () => parseLabels(['mine=127.0.1.3'], registry),
      'LABEL_OVERLAP',
      /"mine"/,
      /"two" \(in \/somewhere\/lbcap\.json\)/,
      /127\.0\.1\.3/,
    );
  });
});
