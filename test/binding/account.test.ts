/** The account: words of the kernel, and what people read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountLines, emptyTally, type Account } from '../../src/binding/account.js';
import { accountSize, blocks, blockWords, extra, word } from '../../src/binding/account-layout.js';
import { accountOf } from '../../src/binding/bpf-method.js';
import { sourcesOf } from '../../src/binding/sources.js';
import { parseLabel } from '../../src/labels/parse.js';

const nothing: Account = {
  streams: emptyTally,
  datagrams: emptyTally,
  messages: emptyTally,
  listens: 0,
  rebound: 0,
  ledTo4: 0,
  refused6: 0,
  listensRefused6: 0,
  listensAside6: 0,
  addresses: [],
};

test('words of the kernel', () => {
  const words = new BigUint64Array(accountSize / 8);
  words[word.done] = 12n;
  words[22] = 2n;
  words[word.otherErrno] = 1n;
  words[word.kept] = 4n;
  words[blocks.message * blockWords + word.done] = 5n;
  words[blocks.bind * blockWords + word.done] = 6n;
  words[extra.to4] = 7n;
  const sources = sourcesOf(parseLabel('a', ['127.0.0.2', '127.0.0.3']), true);
  const account = accountOf(words, BigUint64Array.of(7n, 5n, 0n, 1n), sources);
  assert.deepEqual(account.streams, { labelled: 12, failed: { EINVAL: 2, other: 1 }, kept: 4 });
  assert.equal(account.messages.labelled, 5);
  assert.equal(account.listens, 6);
  assert.equal(account.ledTo4, 7);
  assert.deepEqual(account.addresses, [
    { address: '127.0.0.2', streams: 7, datagrams: 0 },
    { address: '127.0.0.3', streams: 5, datagrams: 1 },
  ]);
});

test('what people read', () => {
  const line = (account: Partial<Account>) =>
    accountLines('client', '127.0.0.2', { ...nothing, ...account }).join('\n');
  assert.equal(line({}), 'client (127.0.0.2): 0 connections labelled');
  assert.equal(
    line({ streams: { labelled: 1, failed: { EINVAL: 3 }, kept: 0 } }),
    'client (127.0.0.2): 1 connection labelled, 3 not (3 EINVAL, bound before it connected: try --rebind)',
  );
  assert.equal(
    line({ messages: { labelled: 2, failed: {}, kept: 0 }, listens: 1, ledTo4: 2 }),
    'client (127.0.0.2): 0 connections labelled; 2 datagrams labelled; 1 listen moved to 127.0.0.2; 2 connections to ::1 led to 127.0.0.1',
  );
  assert.equal(
    line({ listens: 1, listensRefused6: 1, listensAside6: 1 }),
    'client (127.0.0.2): 0 connections labelled; 1 listen moved to 127.0.0.2; 1 listen on ::1 refused, the label having no IPv6 address; 1 listen for IPv6 alone out of reach: give the label an IPv6 address too, or turn the IPv6 of the program off',
  );
  assert.match(
    line({ addresses: [{ address: '127.0.0.3', streams: 4, datagrams: 1 }] }),
    /\n {2}127\.0\.0\.3 {2}4 and 1 UDP$/,
  );
});
