import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LbcapError } from '../../src/errors.js';
import {
  blockLayout,
  frameLayout,
  frameStatus,
  mostPackets,
  readBlock,
} from '../../src/formats/tpacket.js';

const block = 64;
const mac = 82;

interface Frame {
  readonly bytes: readonly number[];
  readonly original?: number;
  readonly status?: number;
  /** Of the sockaddr_ll: 0 is "to this host". */
  readonly packetType?: number;
}

/** A block as the kernel fills it, at arena offset `block`. */
function blockOf(frames: readonly Frame[]): { view: DataView; size: number } {
  const sizes = frames.map(({ bytes }) => Math.ceil((mac + bytes.length) / 16) * 16);
  const size = blockLayout.size + sizes.reduce((sum, each) => sum + each, 0);
  const view = new DataView(new ArrayBuffer(block + size));
  view.setUint32(block + blockLayout.packets, frames.length, true);
  view.setUint32(block + blockLayout.firstFrame, blockLayout.size, true);
  let at = block + blockLayout.size;
  for (const [index, { bytes, original, status, packetType }] of frames.entries()) {
    view.setUint32(at + frameLayout.next, sizes[index], true);
    view.setUint32(at + frameLayout.seconds, 1_700_000_000 + index, true);
    view.setUint32(at + frameLayout.nanoseconds, 123_456_789, true);
    view.setUint32(at + frameLayout.captured, bytes.length, true);
    view.setUint32(at + frameLayout.original, original ?? bytes.length, true);
    view.setUint32(at + frameLayout.status, status ?? 1, true);
    view.setUint16(at + frameLayout.mac, mac, true);
    view.setUint8(at + frameLayout.packetType, packetType ?? 0);
    view.setUint32(at + frameLayout.vlanTag, 0x2004, true);
    view.setUint16(at + frameLayout.vlanProtocol, 0x88a8, true);
    for (const [offset, byte] of bytes.entries()) view.setUint8(at + mac + offset, byte);
    at += sizes[index];
  }
  return { view, size };
}

function records(frames: readonly Frame[], snaplen = 65_535, nanoseconds = true) {
  const { view, size } = blockOf(frames);
  const starts = new Int32Array(mostPackets(size));
  const count = readBlock(view, block, size, snaplen, nanoseconds, starts);
  return Array.from(starts.subarray(0, count), (start) => {
    const [seconds, fraction, captured, original] = [0, 4, 8, 12].map((offset) =>
      view.getUint32(start + offset, true),
    );
    const bytes = [...new Uint8Array(view.buffer, start + 16, captured)];
    return { seconds, fraction, original, bytes };
  });
}

const ethernet = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45, 0x00];

describe('a block of the packet ring', () => {
  test('outgoing copies are left out', () => {
    const packet = (last: number) => [...ethernet, last];
    const found = records([
      { bytes: packet(1), packetType: 4 },
      { bytes: packet(2) },
      { bytes: packet(3), packetType: 4 },
      { bytes: packet(4), packetType: 3 },
      { bytes: packet(5), packetType: 4 },
    ]);
    assert.deepEqual(
      found.map(({ bytes }) => bytes.at(-1)),
      [2, 4],
    );
  });

  test('each packet gets its record header', () => {
    assert.deepEqual(
      records([{ bytes: ethernet }, { bytes: ethernet.slice(0, 14), original: 99 }]),
      [
        { seconds: 1_700_000_000, fraction: 123_456_789, original: 16, bytes: ethernet },
        {
          seconds: 1_700_000_001,
          fraction: 123_456_789,
          original: 99,
          bytes: ethernet.slice(0, 14),
        },
      ],
    );
    assert.deepEqual(records([]), []);
  });

  test('microseconds are cut, not rounded; a snaplen cuts the bytes', () => {
    const [{ fraction, bytes, original }] = records([{ bytes: ethernet }], 10, false);
    assert.deepEqual([fraction, bytes.length, original], [123_456, 10, 16]);
  });

  test('a VLAN tag goes back to where it was on the wire', () => {
    const addresses = ethernet.slice(0, 12);
    const rest = ethernet.slice(12);
    const [plain, named, cut] = records([
      { bytes: ethernet, status: frameStatus.vlan },
      { bytes: ethernet, status: frameStatus.vlan | frameStatus.vlanProtocol },
      { bytes: addresses.slice(0, 11), status: frameStatus.vlan },
    ]);
    assert.deepEqual(plain.bytes, [...addresses, 0x81, 0x00, 0x20, 0x04, ...rest]);
    assert.equal(plain.original, 20);
    assert.deepEqual(named.bytes, [...addresses, 0x88, 0xa8, 0x20, 0x04, ...rest]);
    assert.deepEqual(cut.bytes, addresses.slice(0, 11));
  });

  const lies: Record<string, (view: DataView) => void> = {
    'more packets than fit': (view) => view.setUint32(block + blockLayout.packets, 1e6, true),
    'a first packet outside': (view) => view.setUint32(block + blockLayout.firstFrame, 1e6, true),
    'a first packet in the header': (view) =>
      view.setUint32(block + blockLayout.firstFrame, 8, true),
    'a packet longer than the block': (view) =>
      view.setUint32(block + blockLayout.size + frameLayout.captured, 0xffff_fff0, true),
    'a packet inside its header': (view) =>
      view.setUint16(block + blockLayout.size + frameLayout.mac, 20, true),
    'a next packet outside': (view) =>
      view.setUint32(block + blockLayout.size + frameLayout.next, 0x7fff_fff0, true),
  };
  for (const [name, lie] of Object.entries(lies)) {
    test(`${name} is an error`, () => {
      const { view, size } = blockOf([{ bytes: ethernet }, { bytes: ethernet }]);
      lie(view);
      assert.throws(
        () => readBlock(view, block, size, 65_535, true, new Int32Array(mostPackets(size))),
        (error) => error instanceof LbcapError && error.code === 'CAPTURE_FAILED',
      );
    });
  }
});
