import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conversation } from '../../fixtures/tcp-conversations.js';
import {
  tcpFlags,
  tcpFlagsAt,
  tcpHeaderLength,
  tcpLayout,
  tcpPayloadLength,
  tcpSequenceAt,
  tcpWindowAt,
} from '../../src/packet/tcp.js';

const ip = 14;

/** The data segment of a conversation, and where its headers are. */
function segment(ends: { client?: string; server?: string }, payload: number) {
  const talk = new Conversation({ ...ends, clientSequence: 0xffff_fffe }).open();
  const { bytes } = talk.data('client', payload).frames[3];
  const view = new DataView(bytes.buffer);
  return { view, transport: ip + (ends.client === undefined ? 20 : 40), end: bytes.length };
}

test('fields of a whole header', () => {
  const { view, transport, end } = segment({}, 10);
  assert.equal(tcpHeaderLength(view, transport, end), 20);
  assert.equal(tcpFlagsAt(view, transport), tcpFlags.ack | tcpFlags.psh);
  assert.equal(tcpSequenceAt(view, transport), -1, 'signed');
  assert.equal(tcpWindowAt(view, transport), 512);
  assert.equal(view.getUint16(transport + tcpLayout.destinationPort), 9092);
});

test('no header where it is cut or too short to be one', () => {
  const { view, transport } = segment({}, 10);
  for (let end = transport; end < transport + 20; end++) {
    assert.equal(tcpHeaderLength(view, transport, end), 0);
  }
  for (let words = 0; words < 16; words++) {
    view.setUint8(transport + tcpLayout.dataOffset, words << 4);
    assert.equal(tcpHeaderLength(view, transport, transport + 20), words < 5 ? 0 : words * 4);
  }
});

test('the payload is as the IP header says, however little was captured', () => {
  for (const ends of [{}, { client: 'fd00::5', server: '::1' }]) {
    const { view, transport, end } = segment(ends, 1000);
    const family = 'client' in ends ? 6 : 4;
    for (const captured of [end, end - 999, transport + 20]) {
      assert.equal(tcpPayloadLength(view, family, ip, transport, 20, captured, end), 1000);
    }
  }
});

test('a length that contradicts the headers is no payload', () => {
  const { view, transport, end } = segment({}, 10);
  for (const total of [1, 20, 39, 40]) {
    view.setUint16(ip + 2, total);
    assert.equal(tcpPayloadLength(view, 4, ip, transport, 20, end, end), 0);
  }
});

test('without a length the frame tells it, for any link header while it is whole', () => {
  const { view, transport, end } = segment({}, 1000);
  view.setUint16(ip + 2, 0);
  for (const linkHeader of [0, 4, 14, 16, 20, 22]) {
    const wire = end - ip + linkHeader;
    assert.equal(tcpPayloadLength(view, 4, ip, transport, 20, end, wire), 1000);
  }
  assert.equal(tcpPayloadLength(view, 4, ip, transport, 20, transport + 20, end), 1000, 'cut');
});

test('a jumbo payload option tells it (RFC 2675)', () => {
  const view = new DataView(new ArrayBuffer(14 + 40 + 8 + 20));
  const transport = ip + 48;
  view.setUint8(ip + 6, 0);
  view.setUint8(ip + 40, 6);
  view.setUint8(ip + 42, 0xc2);
  view.setUint8(ip + 43, 4);
  view.setUint32(ip + 44, 8 + 20 + 150_000);
  const end = view.byteLength;
  assert.equal(
    tcpPayloadLength(view, 6, ip, transport, 20, end, 14 + 40 + 8 + 20 + 150_000),
    150_000,
  );
});
