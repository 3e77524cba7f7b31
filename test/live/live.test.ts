/** The live source on real traffic: exact packets, whole stops, clear errors. Needs root. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LbcapError } from '../../src/errors.js';
import { platform } from '../../src/loopback/platform.js';
import { createArena } from '../../src/packet/arena.js';
import { maximumRecordSize } from '../../src/packet/batch.js';
import { ringRegionSize } from '../../src/native/packet-ring.js';
import { defaultBufferSize } from '../../src/sources/live.js';
import { assertInTime } from '../in-time.js';
import {
  numbersOf,
  openLo,
  ownAddress,
  read,
  recordsIn,
  Sender,
  udpPayload,
  upTo,
  ways,
  whyNot,
} from './traffic.js';

const skip = whyNot() || (platform() === 'linux' ? false : 'knows only the link layer of Linux');
const floodProgram = fileURLToPath(new URL('./flood.js', import.meta.url));

async function flood(address: string, seconds: number): Promise<{ ended: Promise<unknown> }> {
  const child = spawn(process.execPath, [floodProgram, address, String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  return { ended };
}

for (const by of ways)
  describe(`by ${by}`, () => {
    test('exactly the packets that were sent, byte for byte, in order', { skip }, async () => {
      const address = ownAddress();
      const sender = await Sender.at(address);
      const opened = await openLo({ by, filter: `host ${address}` });
      assert.deepEqual(opened.source.format, { linkType: 1, bigEndian: false, nanoseconds: false });
      const reading = read(opened);
      await sender.send(5000, 100);
      opened.source.stop();
      const captured = await reading;
      assert.deepEqual(numbersOf(captured), upTo(5000));
      for (const [index, { bytes, originalLength }] of captured.entries()) {
        assert.equal(originalLength, udpPayload + 100);
        assert.deepEqual(bytes.subarray(26, 30), Buffer.from(address.split('.').map(Number)));
        assert.ok(bytes.subarray(udpPayload + 4).every((byte) => byte === (index & 0xff)));
      }
      const { received, kernelDropped, interfaceDropped } = opened.source.counters();
      assert.deepEqual([kernelDropped, interfaceDropped], [0, 0]);
      assert.ok(received !== null && received >= 5000);
      await opened.source.close();
      assert.deepEqual(opened.source.counters(), { received, kernelDropped, interfaceDropped });
      sender.close();
    });

    test('a stop at once after the last packet loses none of them', { skip }, async () => {
      const address = ownAddress();
      const sender = await Sender.at(address);
      for (let round = 1; round <= 10; round++) {
        const opened = await openLo({ by, filter: `src host ${address}` });
        await sender.send(round * 7);
        opened.source.stop();
        assert.equal((await read(opened)).length, round * 7, `round ${round}`);
        await opened.source.close();
      }
      sender.close();
    });

    test('an idle capture stops within 0.2 s', { skip }, async () => {
      await assertInTime(200, async () => {
        const opened = await openLo({ by, filter: `host ${ownAddress()}` });
        const reading = read(opened);
        await turn();
        const before = performance.now();
        opened.source.stop();
        assert.deepEqual(await reading, []);
        const took = performance.now() - before;
        await opened.source.close();
        return took;
      });
    });

    test('a single packet arrives within 0.15 s', { skip }, async () => {
      const address = ownAddress();
      const sender = await Sender.at(address);
      const opened = await openLo({ by, filter: `host ${address}` });
      let index = 0;
      for (let round = 0; round < 5; round++) {
        await assertInTime(150, async () => {
          const reading = read(opened, 1);
          const before = performance.now();
          await sender.send(1);
          assert.deepEqual(numbersOf(await reading), [index++]);
          return performance.now() - before;
        });
      }
      await opened.source.close();
      sender.close();
    });

    test(
      'under a flood: nothing of it slips in while the filter is installed',
      { skip },
      async () => {
        const [stranger, address] = [ownAddress(), ownAddress()];
        const { ended } = await flood(stranger, 2);
        const sender = await Sender.at(address);
        for (let round = 0; round < 5; round++) {
          const opened = await openLo({ by, filter: `host ${address}` });
          await sender.send(100);
          opened.source.stop();
          const captured = await read(opened);
          assert.equal(captured.length, 100);
          const strangers = captured.filter(
            ({ bytes }) => !bytes.subarray(26, 34).includes(ip(address)),
          );
          assert.equal(strangers.length, 0);
          await opened.source.close();
        }
        sender.close();
        await ended;
      },
    );

    test(
      'under a flood of its own: timers live, nothing is dropped, it stops',
      { skip },
      async () => {
        const address = ownAddress();
        const opened = await openLo({
          by,
          filter: `host ${address}`,
          bufferSize: defaultBufferSize,
        });
        const { ended } = await flood(address, 3);
        const delay = monitorEventLoopDelay({ resolution: 10 });
        delay.enable();
        let packets = 0;
        let stoppedAt = 0;
        const timer = setTimeout(() => {
          stoppedAt = performance.now();
          opened.source.stop();
        }, 2000);
        for (
          let batch = await opened.source.next();
          batch !== null;
          batch = await opened.source.next()
        ) {
          packets += recordsIn(opened.arena, batch).length;
        }
        const took = performance.now() - stoppedAt;
        delay.disable();
        clearTimeout(timer);
        const { received, kernelDropped } = opened.source.counters();
        await opened.source.close();
        await ended;
        assert.ok(packets > 20_000, `${packets} packets are no flood`);
        assert.equal(kernelDropped, 0);
        assert.ok(received !== null && received >= packets);
        // A loop that is starved would be late by seconds; how late it is, `npm run bench` says.
        assert.ok(delay.max / 1e6 < 1000, `the event loop was late by ${delay.max / 1e6} ms`);
        assert.ok(took < 1000, `the stop took ${took} ms`);
      },
    );

    test(
      'what comes while it is being opened is there once, with and without a filter',
      { skip },
      async () => {
        const address = ownAddress();
        const { ended } = await flood(address, 2);
        for (const filter of [`src host ${address}`, null, `src host ${address}`, null]) {
          const opened = await openLo({ by, filter, bufferSize: defaultBufferSize });
          const captured = await read(opened, 20_000);
          await opened.source.close();
          const from = Buffer.from(address.split('.').map(Number));
          const own = captured.filter(({ bytes }) => from.equals(bytes.subarray(26, 30)));
          if (filter !== null) assert.equal(own.length, captured.length);
          const numbers = numbersOf(own);
          assert.ok(numbers.length > 1000, `${numbers.length} packets are no flood`);
          assert.deepEqual(
            numbers.filter((number, i) => i > 0 && number <= numbers[i - 1]),
            [],
          );
        }
        await ended;
      },
    );

    test('nanoseconds, where asked for', { skip }, async () => {
      const address = ownAddress();
      const sender = await Sender.at(address);
      const opened = await openLo({ by, filter: `host ${address}`, nanoseconds: true });
      assert.equal(opened.source.format.nanoseconds, true);
      const before = Date.now();
      await sender.send(50);
      const captured = await read(opened, 50);
      for (const { seconds, fraction } of captured) {
        const time = seconds * 1e3 + fraction / 1e6;
        assert.ok(time > before - 5 && time < Date.now() + 5);
      }
      assert.ok(captured.some(({ fraction }) => fraction % 1000 !== 0));
      await opened.source.close();
      sender.close();
    });

    test('a snaplen cuts the bytes and keeps the length', { skip }, async () => {
      const address = ownAddress();
      const sender = await Sender.at(address);
      const opened = await openLo({ by, filter: `host ${address}`, snaplen: 60 });
      assert.equal(opened.source.snaplen, 60);
      await sender.send(3, 1000);
      for (const { bytes, originalLength } of await read(opened, 3)) {
        assert.equal(bytes.length, 60);
        assert.equal(originalLength, udpPayload + 1000);
      }
      await opened.source.close();
      sender.close();
    });

    test('a run that is longer than the region comes in whole records', { skip }, async () => {
      const address = ownAddress();
      const sender = await Sender.at(address);
      const { arena, regions } = createArena([maximumRecordSize, ringRegionSize(16 << 20)]);
      const opened = await openLo({
        filter: `host ${address}`,
        arena,
        regions: by === 'ring' ? regions : regions.slice(0, 1),
      });
      await sender.send(40, 60_000);
      opened.source.stop();
      const captured = await read(opened);
      assert.deepEqual(numbersOf(captured), upTo(40));
      assert.ok(captured.every(({ bytes }) => bytes.length === udpPayload + 60_000));
      await opened.source.close();
      sender.close();
    });

    test('small packets, then a burst of large ones, then small ones', { skip }, async () => {
      const address = ownAddress();
      const sender = await Sender.at(address);
      const opened = await openLo({ by, filter: `host ${address}`, bufferSize: defaultBufferSize });
      await sender.send(20_000);
      const captured = await read(opened, 10_000);
      await sender.send(150, 60_000);
      await sender.send(2000);
      opened.source.stop();
      captured.push(...(await read(opened)));
      assert.deepEqual(numbersOf(captured), upTo(22_150));
      const large = captured.filter(({ bytes }) => bytes.length === udpPayload + 60_000);
      assert.equal(large.length, 150);
      await opened.source.close();
      sender.close();
    });

    test('nothing runs on after a close, whatever it was doing', { skip }, async () => {
      const timers = () =>
        process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const before = timers();
      const address = ownAddress();
      const opened = await openLo({ by, filter: `host ${address}` });
      const { ended } = await flood(address, 2);
      // A busy capture pauses between batches.
      for (let batch = 0; batch < 50; batch++) await opened.source.next();
      const waiting = opened.source.next();
      opened.source.stop();
      await opened.source.close();
      await waiting;
      assert.equal(timers(), before);
      await ended;
    });

    test('close while it waits for a packet, twice, with a next under way', { skip }, async () => {
      const opened = await openLo({ by, filter: `host ${ownAddress()}` });
      const waiting = opened.source.next();
      await turn();
      await Promise.all([opened.source.close(), opened.source.close()]);
      assert.equal(await waiting, null);
      assert.equal(await opened.source.next(), null);
      opened.source.stop();
    });
  });

test(
  'the ring is mapped into the arena, and its part is ordinary memory again',
  { skip },
  async () => {
    const mappings = () =>
      readFileSync('/proc/self/maps', 'latin1')
        .split('\n')
        .filter((line) => line.includes('socket:')).length;
    const before = mappings();
    const opened = await openLo();
    assert.equal(mappings(), before + 2);
    await opened.source.close();
    assert.equal(mappings(), before);
    opened.arena.bytes.fill(1);
    const other = await openLo({ by: 'calls' });
    assert.equal(mappings(), before + 1);
    await other.source.close();
  },
);

test('errors say what is wrong and what to do', { skip }, async () => {
  await refuses({ filter: 'tcp port' }, 'FILTER_INVALID', /at character 5 \(.*syntax error\)/);
  await refuses({ interface: 'nosuch0' }, 'INTERFACE_UNKNOWN', /choose one of .*\blo\b/);
  await refuses({ interface: '' }, 'INTERFACE_UNKNOWN', /choose one of .*\blo\b/);
  await refuses({ interface: 'lo\0x' }, 'INTERFACE_UNKNOWN', /no interface 'lo x'/);
  await refuses({ snaplen: 0 }, 'USAGE', /snaplen/);
  await refuses({ snaplen: 262_145 }, 'USAGE', /snaplen/);
});

async function refuses(
  change: Parameters<typeof openLo>[0],
  code: string,
  message: RegExp,
): Promise<void> {
  await assert.rejects(openLo(change), (error) => {
    assert.ok(error instanceof LbcapError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /[\n\0]/);
    return true;
  });
}

function ip(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}
