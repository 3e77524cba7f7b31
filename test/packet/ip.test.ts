import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat, ipv4, ipv6, tcp, udp, type Bytes } from '../../fixtures/frames.js';
import { IpHeader } from '../../src/packet/ip.js';

/** Reads with hostile bytes around; the transport offset is told from the packet's start. */
function read(data: Bytes) {
  const around = concat(new Uint8Array(64).fill(0xff), data, new Uint8Array(64).fill(0xff));
  const header = new IpHeader();
  const readable = header.read(new DataView(around.buffer), 64, 64 + data.length);
  return {
    readable,
    family: header.family,
    protocol: header.protocol,
    transport: header.transport === 0 ? 0 : header.transport - 64,
    portsCut: header.portsCut,
  };
}

/** An IPv6 extension header of 8 x `units` bytes that names what follows. */
function extension(next: number, units = 1): Bytes {
  const bytes = new Uint8Array(8 * units);
  bytes[0] = next;
  bytes[1] = units - 1;
  return bytes;
}

function fragmentHeader(next: number, offset: number): Bytes {
  return Uint8Array.of(next, 0, (offset >> 5) & 0xff, (offset << 3) & 0xff, 0, 0, 0, 1);
}

describe('IPv4 header', () => {
  it('finds the transport behind options', () => {
    const options = new Uint8Array(8).fill(1);
    const found = read(ipv4('127.0.0.2', '127.0.0.1', udp(1, 2), { options }));
    assert.deepEqual(found, {
      readable: true,
      family: 4,
      protocol: 17,
      transport: 28,
      portsCut: false,
    });
  });

  it('gives ports to the first fragment only', () => {
    const first = ipv4('127.0.0.2', '127.0.0.1', udp(1, 2), { fragment: 0x2000 });
    const later = ipv4('127.0.0.2', '127.0.0.1', udp(1, 2), { fragment: 0x2001 });
    assert.equal(read(first).transport, 20);
    assert.equal(read(later).transport, 0);
    assert.equal(read(later).readable, true);
    assert.equal(read(later).portsCut, false);
  });

  it('refuses what contradicts itself', () => {
    const short = ipv4('127.0.0.2', '127.0.0.1', udp(1, 2));
    short[0] = 0x44; // a header of 16 bytes
    assert.equal(read(short).readable, false);
    const lying = ipv4('127.0.0.2', '127.0.0.1', udp(1, 2), { totalLength: 19 });
    assert.equal(read(lying).readable, false);
    const version = ipv4('127.0.0.2', '127.0.0.1', udp(1, 2));
    version[0] = 0x55;
    assert.equal(read(version).readable, false);
  });

  it('takes a total length of 0, as segmentation offload leaves it', () => {
    const packet = ipv4('127.0.0.2', '127.0.0.1', tcp(1, 2, 0x10), { protocol: 6, totalLength: 0 });
    assert.equal(read(packet).readable, true);
  });

  it('bears every cut', () => {
    const packet = ipv4('127.0.0.2', '127.0.0.1', udp(1, 2), { options: new Uint8Array(4) });
    for (let length = 0; length < packet.length; length++) {
      const found = read(packet.subarray(0, length));
      assert.equal(found.readable, length >= 20, `${length} bytes`);
      assert.equal(found.transport, length >= 28 ? 24 : 0, `${length} bytes`);
      assert.equal(found.portsCut, length >= 20 && length < 28, `${length} bytes`);
    }
  });
});

describe('IPv6 header', () => {
  const chain = concat(extension(60, 2), extension(43), extension(44), fragmentHeader(51, 0));
  const authentication = concat(Uint8Array.of(17, 4), new Uint8Array(22));
  const packet = ipv6('::1', '::1', concat(chain, authentication, udp(1, 2)), 0);

  it('walks extension headers to the transport', () => {
    const found = read(packet);
    assert.equal(found.protocol, 17);
    assert.equal(found.transport, packet.length - 16);
  });

  it('gives no ports to later fragments', () => {
    const later = ipv6('::1', '::1', concat(fragmentHeader(17, 185), udp(1, 2)), 44);
    assert.deepEqual(read(later), {
      readable: true,
      family: 6,
      protocol: 17,
      transport: 0,
      portsCut: false,
    });
  });

  it('bears every cut', () => {
    for (let length = 0; length < packet.length; length++) {
      const found = read(packet.subarray(0, length));
      assert.equal(found.readable, length >= 40, `${length} bytes`);
      assert.equal(found.transport, length >= packet.length - 12 ? packet.length - 16 : 0);
    }
  });

  it('ends on a chain that points beyond the packet', () => {
    const endless = ipv6('::1', '::1', Uint8Array.of(0, 255, 0, 0, 0, 0, 0, 0), 0);
    assert.equal(read(endless).portsCut, true);
  });
});
