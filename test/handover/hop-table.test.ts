import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Conversation, type Frame } from '../../fixtures/tcp-conversations.js';
import { isTrouble, mostUseful, type Hop } from '../../src/handover/hop.js';
import { HopTable } from '../../src/handover/hop-table.js';

const format = { linkType: 1, bigEndian: false, nanoseconds: true };

/** Shows a table the frames as the classifier does: one arena, one record at a time. */
function play(
  frames: readonly Frame[],
  options: { keep?: number; maximumFlows?: number } = {},
): HopTable {
  const view = new DataView(new ArrayBuffer(70_000));
  const table = new HopTable({
    view,
    labels: 1,
    origin: 1_000_000_000_000n,
    keep: 100,
    ...options,
  });
  table.begin(format);
  for (const { at, bytes } of frames) {
    view.setUint32(0, Math.floor(at), true);
    view.setUint32(4, Math.round((at % 1) * 1e9), true);
    view.setUint32(8, bytes.length, true);
    view.setUint32(12, bytes.length, true);
    new Uint8Array(view.buffer, 16).set(bytes);
    const family = bytes[12] === 0x86 ? 6 : 4;
    const transport = 30 + (family === 4 ? 20 : 40);
    table.packet(0, family, 30, 6, transport, 16 + bytes.length, 0, -1);
  }
  table.finish();
  return table;
}

function conversation(number = 0): Conversation {
  return new Conversation({ clientPort: 40_000 + number, at: 1000 + number });
}

function only(frames: readonly Frame[]): Hop {
  const { hops } = play(frames);
  assert.equal(hops.length, 1);
  return hops[0] ?? assert.fail();
}

describe('HopTable', () => {
  it('tells how a connection ended, and by whom', () => {
    const opened = () => conversation().open().data('client', 10);
    const cases: [Frame[], string, string | null][] = [
      [opened().frames, 'open', null],
      [opened().fin('client').frames, 'half-closed', 'from'],
      [opened().fin('server').frames, 'half-closed', 'to'],
      [opened().fin('server').fin('client').ack('server').frames, 'closed', null],
      [opened().reset('client').frames, 'reset', 'from'],
      [opened().reset('server').frames, 'reset', 'to'],
      [opened().fin('server').reset('client').frames, 'reset', 'from'],
      // What follows the end does not change it.
      [opened().fin('server').fin('client').reset('client').frames, 'closed', null],
      [opened().reset('server').reset('client').frames, 'reset', 'to'],
      [conversation().syn().frames, 'unanswered', null],
      [conversation().syn().reset('server').frames, 'refused', 'to'],
    ];
    for (const [frames, ending, by] of cases) {
      const hop = only(frames);
      assert.deepEqual([hop.ending, hop.endedBy], [ending, by]);
      assert.equal(hop.from.address, '127.0.0.2');
      assert.ok(hop.complete);
      assert.equal(hop.start, 0);
    }
  });

  it('knows the client of a connection whose beginning it has not seen', () => {
    const late = conversation().open().data('server', 10).data('client', 10).frames.slice(3);
    const hop = only(late);
    assert.deepEqual([hop.from.port, hop.to.port, hop.complete], [40_000, 9092, false]);
    assert.equal(hop.start, 150_000_000);
  });

  it('makes two hops of ports that are used again', () => {
    const first = conversation().open().data('client', 100).fin('client').fin('server');
    const again = new Conversation({
      clientPort: 40_000,
      at: 1010,
      clientSequence: 9_000_000,
    }).syn();
    const { hops, total } = play([...first.frames, ...again.frames]);
    assert.deepEqual(
      hops.map(({ ending }) => ending),
      ['closed', 'unanswered'],
    );
    assert.equal(total.connections, 2);
  });

  it('counts every packet though there is no room', () => {
    const frames = Array.from({ length: 300 }, (_, number) => {
      const { frames: own } = conversation(number).open().data('server', 50);
      return own;
    }).flat();
    const table = play(frames, { maximumFlows: 16 });
    assert.ok(table.evicted >= 284);
    const packets = table.hops.reduce((sum, hop) => sum + hop.out.packets + hop.in.packets, 0);
    assert.ok(packets <= frames.length);
    assert.equal(table.total.connections >= 300, true);
    // Kept are no more than twice what was asked for, and all are counted.
    const few = play(frames, { keep: 20 });
    assert.ok(few.hops.length < 40 && few.hops.length >= 20);
    assert.equal(few.total.connections, 300);
    assert.equal(few.totals[0]?.connections, 300);
  });

  it('shows IPv6', () => {
    const hop = only(
      new Conversation({ client: 'fd00::5', server: '::1', at: 1000 }).open().frames,
    );
    assert.deepEqual([hop.from.address, hop.to.address], ['fd00::5', '::1']);
  });
});

describe('mostUseful', () => {
  it('leaves room for trouble and for the rest, in order of time', () => {
    const frames = Array.from({ length: 40 }, (_, number) => {
      const one = conversation(number).syn();
      return (number % 2 === 0 ? one : one.synAck().ack('client').data('client', number)).frames;
    }).flat();
    const { hops } = play(frames);
    const chosen = mostUseful(hops, 10);
    assert.equal(chosen.length, 10);
    assert.equal(chosen.filter(isTrouble).length, 5);
    assert.deepEqual(
      chosen.filter((hop) => !isTrouble(hop)).map((hop) => hop.from.port),
      [40_031, 40_033, 40_035, 40_037, 40_039],
    );
    const starts = chosen.map(({ start }) => start);
    assert.deepEqual(
      starts,
      [...starts].sort((a, b) => a - b),
    );
    assert.equal(mostUseful(hops.filter(isTrouble), 10).length, 10);
    assert.equal(mostUseful(hops, 100).length, 40);
  });
});
