/** The cap engine, with a stand-in for the addon: records, batches, loss told, errors. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { LbcapError } from '../../src/errors.js';
import { createArena } from '../../src/packet/arena.js';
import { capLimits, openCap, type CapModule } from '../../src/sources/cap.js';
import type { LiveOptions } from '../../src/sources/live.js';

/** The addon's behaviour as its binding.cc has it: one buffer for every packet. */
class FakeCap extends EventEmitter {
  static last: FakeCap;
  static refusal: Error | null = null;
  buffer: Buffer = Buffer.alloc(0);
  closed = 0;

  open(_device: string, _filter: string, _size: number, buffer: Buffer): string {
    FakeCap.last = this;
    if (FakeCap.refusal !== null) throw FakeCap.refusal;
    this.buffer = buffer;
    return 'ETHERNET';
  }

  close(): void {
    this.closed++;
  }

  deliver(packet: Uint8Array): void {
    this.buffer.set(packet);
    this.emit('packet', packet.length, false);
  }
}

const fake = {
  Cap: FakeCap as unknown as CapModule['Cap'],
  deviceList: () => [{ name: 'lo' }, { name: 'eth0' }],
};

function options(notices: string[], change: Partial<LiveOptions> = {}): LiveOptions {
  const { arena, regions } = createArena([262_160, 262_160]);
  return {
    interface: 'lo',
    snaplen: 262_144,
    bufferSize: 1 << 20,
    filter: null,
    nanoseconds: false,
    arena,
    regions,
    onNotice: (text) => notices.push(text),
    ...change,
  };
}

test('packets become records, and what cap lacks is said at the start', async () => {
  const notices: string[] = [];
  const opened = options(notices, { snaplen: 4 });
  const source = await openCap(opened, () => Promise.resolve(fake));
  assert.deepEqual(notices, [capLimits]);
  assert.deepEqual(source.format, { linkType: 1, bigEndian: false, nanoseconds: false });
  const before = Date.now();
  FakeCap.last.deliver(Uint8Array.of(1, 2, 3));
  FakeCap.last.deliver(Uint8Array.of(4, 5, 6, 7, 8, 9));
  const batch = await source.next();
  assert.ok(batch !== null);
  const { view, bytes } = opened.arena;
  assert.deepEqual([...bytes.subarray(batch.start + 16, batch.start + 19)], [1, 2, 3]);
  const second = batch.start + 19;
  assert.equal(view.getUint32(second + 8, true), 4, 'cut to the snaplen');
  assert.equal(view.getUint32(second + 12, true), 6);
  assert.deepEqual([...bytes.subarray(second + 16, batch.end)], [4, 5, 6, 7]);
  const time = view.getUint32(second, true) * 1e3 + view.getUint32(second + 4, true) / 1e3;
  assert.ok(Math.abs(time - before) < 1000, `${time} and ${before}`);
  assert.deepEqual(Object.values(source.counters()), [null, null, null]);
  await source.close();
});

test('a packet that comes later wakes the waiting consumer, a stop ends it', async () => {
  const source = await openCap(options([]), () => Promise.resolve(fake));
  const waiting = source.next();
  setImmediate(() => FakeCap.last.deliver(Uint8Array.of(7)));
  assert.equal((await waiting)?.end, 17);
  const end = source.next();
  source.stop();
  source.stop();
  assert.equal(await end, null);
  assert.equal(FakeCap.last.closed, 1);
  await source.close();
  await source.close();
  assert.equal(FakeCap.last.closed, 1);
});

test('no room: the loss is counted and told, and the rest stays whole', async () => {
  const notices: string[] = [];
  const source = await openCap(options(notices), () => Promise.resolve(fake));
  const packet = new Uint8Array(60_000);
  for (let index = 0; index < 20; index++) FakeCap.last.deliver(packet);
  source.stop();
  let bytes = 0;
  for (let batch = await source.next(); batch !== null; batch = await source.next()) {
    bytes += batch.end - batch.start;
  }
  assert.equal(bytes, 8 * 60_016);
  assert.match(notices[1], / 12 packets were lost here/);
  await source.close();
});

test('what cannot be had fails by name', async () => {
  await rejects({ nanoseconds: true }, 'ENGINE_LIMIT');
  await rejects({ interface: 'nosuch0' }, 'INTERFACE_UNKNOWN');
  FakeCap.refusal = new Error('lo: You do not have permission');
  await rejects({}, 'CAPTURE_PERMISSION');
  FakeCap.refusal = new Error('something else');
  await rejects({}, 'CAPTURE_FAILED');
  FakeCap.refusal = null;
});

async function rejects(change: Partial<LiveOptions>, code: string): Promise<void> {
  await assert.rejects(
    openCap(options([], change), () => Promise.resolve(fake)),
    (error) => error instanceof LbcapError && error.code === code,
  );
}
