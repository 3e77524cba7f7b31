/** Beside tcpdump on the same interface: the same packets, bytes and timestamps. Needs root. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openLo, ownAddress, read, recordsIn, Sender, whyNot, type Captured } from './traffic.js';

const skip =
  whyNot() ||
  (spawnSync('tcpdump', ['--version']).error === undefined ? false : 'tcpdump is not installed');

/** A client at `address` that asks an echo server, one message after the other. */
async function talk(address: string, messages: number, size: number): Promise<void> {
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    localAddress: address,
  });
  await once(client, 'connect');
  for (let index = 0; index < messages; index++) {
    client.write(Buffer.alloc(size, index));
    for (let back = 0; back < size;) {
      const [chunk] = (await once(client, 'data')) as [Buffer];
      back += chunk.length;
    }
  }
  client.end();
  await once(client, 'close');
  server.close();
  await once(server, 'close');
}

interface Comparison {
  readonly captured: readonly Captured[];
  /** What tcpdump wrote, in its order. */
  readonly written: readonly Captured[];
}

/** Captures `traffic` of an address with tcpdump and with the live source at the same time. */
async function beside(
  nanoseconds: boolean,
  traffic: (address: string) => Promise<void>,
  filter?: string,
): Promise<Comparison> {
  const directory = mkdtempSync(join(tmpdir(), 'lbcap-tcpdump-'));
  const file = join(directory, 'all.pcap');
  const address = ownAddress();
  const tcpdump = spawn(
    'tcpdump',
    [
      ...['-i', 'lo', '-n', '-U', '-w', file, '-B', '16384', '-Z', 'root'],
      ...(nanoseconds ? ['--nano'] : []),
      filter ?? `host ${address}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    await once(tcpdump.stderr, 'data');
    const opened = await openLo({ filter: filter ?? `host ${address}`, nanoseconds });
    const reading = read(opened);
    await traffic(address);
    opened.source.stop();
    const captured = await reading;
    await opened.source.close();
    const size = captured.reduce((sum, { bytes }) => sum + 16 + bytes.length, 24);
    // tcpdump gives no sign when it has written what the kernel held back; its file's size does.
    for (let tries = 0; statSync(file).size < size && tries < 100; tries++) await delay(20);
    tcpdump.kill('SIGINT');
    await once(tcpdump, 'exit');
    const bytes = new Uint8Array(readFileSync(file));
    const arena = { bytes, view: new DataView(bytes.buffer) };
    return {
      captured,
      written: recordsIn(arena, { format: opened.source.format, start: 24, end: bytes.length }),
    };
  } finally {
    tcpdump.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  }
}

for (const nanoseconds of [false, true]) {
  const unit = nanoseconds ? 'nanosecond' : 'microsecond';
  test(`tcpdump writes the same datagrams, to the ${unit}`, { skip }, async () => {
    const { captured, written } = await beside(nanoseconds, async (address) => {
      const sender = await Sender.at(address);
      await sender.send(2000);
      await sender.send(20, 60_000);
      sender.close();
    });
    assert.equal(captured.length, 2020);
    assert.deepEqual(captured, written);
  });
}

test(
  'tcpdump writes the same segments; their stamps agree as well as two tcpdumps do',
  { skip },
  async () => {
    const { captured, written } = await beside(false, async (address) => {
      await talk(address, 50, 100);
      await talk(address, 20, 200_000);
    });
    assert.ok(captured.length > 200);
    const packets = (from: readonly Captured[]) =>
      from.map(({ bytes, originalLength }) => [originalLength, bytes]);
    assert.deepEqual(packets(captured), packets(written));
    // Since Linux 5.18 a TCP segment on lo carries its sender's monotonic clock, so that each capture
    // socket reads the time for itself (native-notes/libpcap.md). Two sockets read it in a row.
    const apart = captured
      .map((each, index) => Math.abs(microseconds(each) - microseconds(written[index])))
      .sort((a, b) => a - b);
    assert.ok(apart[apart.length >> 1] <= 1, `the median is ${apart[apart.length >> 1]} us`);
    assert.ok(apart[apart.length - 1] < 10_000, `the most is ${apart[apart.length - 1]} us`);
  },
);

function microseconds({ seconds, fraction }: Captured): number {
  return seconds * 1e6 + fraction;
}

/** Sends Ethernet frames with and without a VLAN tag to lo, as only a packet socket can. */
const tagged = `
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("lo", 0))
for n in range(60):
    tag = struct.pack("!HH", 0x88a8 if n % 3 == 2 else 0x8100, 0x2000 | 77)
    s.send(bytes(range(12)) + tag + struct.pack("!HI", 0x88b5, n) + bytes(n))
`;

test('tcpdump writes the same VLAN tags, where they were on the wire', { skip }, async () => {
  const send = async () => {
    const [status] = (await once(spawn('python3', ['-c', tagged]), 'exit')) as [number];
    assert.equal(status, 0);
  };
  const { captured, written } = await beside(true, send, 'vlan 77');
  assert.equal(captured.length, 60);
  assert.deepEqual(captured, written);
  assert.equal(captured[0].bytes.readUInt16BE(12), 0x8100);
});
