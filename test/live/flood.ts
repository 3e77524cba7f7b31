/** A program: sends small numbered datagrams from an address to a closed-off port as fast as it can. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const [address, seconds] = process.argv.slice(2);
const sink = createSocket({ type: 'udp4', recvBufferSize: 4096 });
sink.bind(0, '127.0.0.1');
await once(sink, 'listening');
const { port } = sink.address();
const sender = createSocket('udp4');
sender.bind(0, address);
await once(sender, 'listening');
sender.connect(port, '127.0.0.1');
await once(sender, 'connect');
const payloads = Array.from({ length: 256 }, () => Buffer.alloc(64));
let number = 0;
const end = performance.now() + Number(seconds) * 1e3;
process.stdout.write(`${'sending'}\n`);
while (performance.now() < end) {
  // One callback per round: until the last is out no more are queued.
  for (const payload of payloads) payload.writeUInt32BE(number++);
  const last = payloads[payloads.length - 1];
  for (const payload of payloads) if (payload !== last) sender.send(payload);
  await new Promise((resolve) => sender.send(last, resolve));
}
sender.close();
sink.close();
