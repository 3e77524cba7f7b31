import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabel } from '../../src/labels/parse.js';
import { forecast, freePorts, secondsUntilFull } from '../../src/loopback/port-forecast.js';
import { fullestAddress, nearLimits } from '../../src/loopback/port-limit.js';
import type { AddressUsage, LabelUsage } from '../../src/loopback/port-usage.js';

function usage(
  ...held: readonly (readonly [held: number, waiting: number, reusable: number])[]
): LabelUsage {
  const addresses = held.map(([established, waiting, reusable], index): AddressUsage => ({
    address: `127.0.40.${8 + index}`,
    used: established + waiting,
    reusable,
    states: { ESTABLISHED: established, TIME_WAIT: waiting },
  }));
  const sum = (of: (usage: AddressUsage) => number) =>
    addresses.reduce((total, address) => total + of(address), 0);
  const all = { used: sum(({ used }) => used), reusable: sum(({ reusable }) => reusable) };
  return {
    label: parseLabel('pool', ['127.0.40.8/29']),
    addresses: 8,
    perAddress: 1000,
    servers:
      addresses.length === 0 ? [] : [{ server: '127.0.0.1:80', ...all, states: {}, addresses }],
    others: {},
  };
}

test('in a line: what is free by what comes a second', () => {
  assert.equal(secondsUntilFull(1000, 100, 0), 10);
  assert.equal(secondsUntilFull(1000, 50, 50), 10);
  assert.equal(secondsUntilFull(0, 0, 0), 0, 'full now');
  assert.equal(secondsUntilFull(1000, 0, 0), null);
  assert.equal(secondsUntilFull(1000, -5, 0), null);
  assert.equal(secondsUntilFull(1000, 0.5, 0), 2000);
});

test('TIME_WAIT stops growing after a minute', () => {
  assert.equal(secondsUntilFull(1000, 0, 20), 50, 'before that');
  assert.equal(secondsUntilFull(1000, 0, 10), null, '600 of 1000, for ever');
  assert.equal(secondsUntilFull(1000, 5, 10), 80, '600 wait, and 5 more a second are held');
  assert.equal(secondsUntilFull(1000, 100, -50), 20, 'those that end make room');
});

test('the first address to be full decides', () => {
  const before = usage([100, 0, 0], [500, 0, 0]);
  const now = usage([200, 0, 0], [550, 0, 0]);
  assert.deepEqual(forecast(before, now, now.servers[0], 500), { perSecond: 300, secondsLeft: 4 });
  const fresh = forecast(usage(), now, now.servers[0], 1000);
  assert.equal(fresh.perSecond, 750, 'a server that was not there had none');
  const gone = forecast(now, usage([200, 0, 0]), usage([200, 0, 0]).servers[0], 1000);
  assert.deepEqual(gone, { perSecond: -550, secondsLeft: null });
  assert.deepEqual(forecast(before, now, now.servers[0], 0), {
    perSecond: null,
    secondsLeft: null,
  });
});

test('a short look does not see far, nor an end where fewer are taken than before', () => {
  const [before, now] = [usage([100, 0, 0]), usage([101, 0, 0])];
  const left = (milliseconds: number) =>
    forecast(before, now, now.servers[0], milliseconds).secondsLeft;
  assert.equal(left(1000), 899);
  assert.equal(left(800), 719.2);
  const slow = usage([100.5, 0, 0]);
  assert.equal(forecast(before, slow, slow.servers[0], 1000).secondsLeft, null);
  const mixed = usage([110, 0, 0], [10, 0, 0]);
  const was = usage([100, 0, 0], [50, 0, 0]);
  assert.equal(forecast(was, mixed, mixed.servers[0], 1000).secondsLeft, null);
  const full = usage([1000, 0, 0]);
  assert.equal(forecast(full, full, full.servers[0], 1000).secondsLeft, 0, 'there already');
});

test('what may be taken again is free', () => {
  const [address] = usage([100, 900, 850]).servers[0].addresses;
  assert.equal(freePorts(1000, address), 850);
  assert.equal(freePorts(10, { ...address, used: 30, reusable: 5 }), 0, 'the range became smaller');
});

test('near the limit is four fifths of one address', () => {
  const near = (...held: [number, number, number][]) =>
    nearLimits([usage(...held)]).map(({ address, taken, of }) => `${address} ${taken} ${of}`);
  assert.deepEqual(near([799, 0, 0]), []);
  assert.deepEqual(near([800, 0, 0]), ['127.0.40.8 800 1000']);
  assert.deepEqual(near([100, 850, 800]), [], 'most of it may be taken again');
  assert.deepEqual(nearLimits([usage([750, 0, 0])], 0.7).length, 1);
  assert.equal(fullestAddress(usage(), { ...usage([1, 0, 0]).servers[0], addresses: [] }), null);
});
