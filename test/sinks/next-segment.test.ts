import assert from 'node:assert/strict';
import { it } from 'node:test';
import { protocols } from '../../src/packet/ip.js';
import { tcpFlags } from '../../src/packet/tcp.js';
import { nextInOrder } from '../../src/sinks/connection.js';
import { keyMatches, keySize, readKey } from '../../src/sinks/flow-key.js';
import { flowLayout, flowState } from '../../src/sinks/flow-layout.js';
import { memoSize, memoSlot, nextSegment } from '../../src/sinks/next-segment.js';
import { noPeer, unresolvedPeer } from '../../src/sinks/peers.js';

const ip = 14;
const transport = ip + 20;
const end = transport + 20;
const record = flowLayout.size;

/** Numbers that are often the same, from Park and Miller's generator. */
function chooser(): (...of: number[]) => number {
  let state = 42;
  return (...of) => {
    state = (state * 48_271) % 2_147_483_647;
    return of[state % of.length] ?? 0;
  };
}

void it('takes a segment exactly where the separate checks take it, and does the same to the record', () => {
  const choose = chooser();
  const view = new DataView(new ArrayBuffer(end));
  const key = new Int32Array(keySize);
  let taken = 0;
  for (let round = 0; round < 200_000; round++) {
    view.setInt32(ip + 12, choose(0x7f000001, 0x7f000002, 0x7f000001));
    view.setInt32(ip + 16, choose(0x7f000002, 0x7f000001, 0x7f000002));
    const isAnswer = choose(0, 1) === 1;
    view.setUint16(transport, isAnswer ? 9092 : 40_000);
    view.setUint16(transport + 2, isAnswer ? 40_000 : 9092);
    view.setUint16(ip + 2, choose(40, 41, 1500, 52, 65_535, 0, 39));
    view.setInt32(transport + 4, choose(5, 5, 5, -1));
    view.setUint8(transport + 12, choose(0x50, 0x50, 0x50, 0x40));
    view.setUint8(
      transport + 13,
      choose(0x10, 0x18, 0x10, tcpFlags.fin | 0x10, tcpFlags.rst, 0x30),
    );
    view.setUint16(transport + 14, choose(512, 512, 512, 0));
    const side = readKey(key, view, 4, ip, protocols.TCP, transport, end);

    const words = new Int32Array(2 * flowLayout.size);
    words.set(key, record);
    if (choose(0, 0, 0, 1) === 1) words[record + choose(0, 1, 2, 3)] = 7;
    words[record + flowLayout.state] =
      choose(flowState.open, flowState.open, flowState.open, flowState.closed) |
      choose(flowState.known << side, flowState.known << side, flowState.known << (side ^ 1)) |
      choose(0, 0, flowState.zeroWindow << side, flowState.zeroWindow << (side ^ 1));
    words[record + flowLayout.next + side] = 5;
    words[record + flowLayout.seen] = choose(1, 1, 1, 0);
    words[record + flowLayout.peer] = choose(0, 3, noPeer, unresolvedPeer);
    words[record + flowLayout.peer + 1] = choose(0, 3, noPeer);
    const memo = new Int32Array(memoSize);
    memo[memoSlot(key[flowLayout.ports], key[flowLayout.address], key[flowLayout.address + 1])] =
      record;

    const expected = words.slice();
    const total = view.getUint16(ip + 2);
    const header = (view.getUint8(transport + 12) >>> 4) * 4;
    const isNext =
      keyMatches(words, record, key, 4) &&
      words[record + flowLayout.seen] === 1 &&
      words[record + flowLayout.peer] !== unresolvedPeer &&
      header >= 20 &&
      total >= 20 + header &&
      nextInOrder(
        expected,
        record,
        side,
        view.getUint8(transport + 13),
        view.getInt32(transport + 4),
        total - 20 - header,
        view.getUint16(transport + 14),
      );

    assert.equal(nextSegment(view, words, memo, ip, transport, end), isNext ? record : -1);
    assert.deepEqual(words, expected);
    if (isNext) taken++;
  }
  assert.ok(taken > 1000, `${taken} were taken`);
});

void it('takes none whose header is cut', () => {
  const view = new DataView(new ArrayBuffer(end));
  const memo = new Int32Array(memoSize);
  assert.equal(nextSegment(view, new Int32Array(21), memo, ip, transport, end - 1), -1);
});
