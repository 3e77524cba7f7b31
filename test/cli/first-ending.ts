/**
 * One long connection that is captured until V8 has compiled the loop over packets, then its end and another connection.
 * With `rehearsed`, as `lbcap watch` begins. For `node --trace-deopt`, which compiles at once where it is told to.
 */
import { concat, ethernet, ipv4, record, tcp, type Bytes } from '../../fixtures/frames.js';
import { Classifier } from '../../src/classify.js';
import { rehearse } from '../../src/cli/rehearsal.js';
import { compileLookup } from '../../src/labels/lookup.js';
import { parseLabels } from '../../src/labels/parse.js';
import { createArena } from '../../src/packet/arena.js';
import { FlowTable } from '../../src/sinks/flows.js';

const flags = { fin: 1, syn: 2, psh: 8, ack: 16 };
const client = '127.0.0.2';
const server = '127.0.0.1';
const payload = new Uint8Array(10);
const packetsOfBatch = 20_000;

if (process.argv[2] === 'rehearsed') rehearse();
const labels = parseLabels([`client=${client}`], null);
const { arena, regions } = createArena([packetsOfBatch * 80]);
const { start } = regions[0];
const classifier = new Classifier({
  arena,
  lookup: compileLookup(labels),
  labels: labels.length,
  keepOthers: false,
  maximumRun: 262_144,
  observer: new FlowTable({ view: arena.view, labels: labels.length }),
});

function segment(from: string, to: string, header: Bytes): Bytes {
  return record({ data: ethernet(0x0800, ipv4(from, to, header)) });
}

function classify(packets: readonly Bytes[]): void {
  const all = concat(...packets);
  arena.bytes.set(all, start);
  const starts = new Int32Array(packets.length);
  let at = start;
  for (const [index, packet] of packets.entries()) {
    starts[index] = at;
    at += packet.length;
  }
  const format = { linkType: 1, bigEndian: false, nanoseconds: false };
  const index = { starts, count: packets.length };
  classifier.classify({ format, start, end: at, index }, { append: () => undefined });
}

const handshake = (near: number, far: number) => [
  segment(client, server, tcp(near, far, flags.syn, 0)),
  segment(server, client, tcp(far, near, flags.syn | flags.ack, 0)),
  segment(client, server, tcp(near, far, flags.ack, 1)),
];
const data = (near: number, far: number, from: number, count: number) =>
  Array.from({ length: count }, (_, index) => {
    const sequence = 1 + (from + index) * payload.length;
    return segment(client, server, tcp(near, far, flags.ack | flags.psh, sequence, 0, payload));
  });
const ending = (near: number, far: number, count: number) => [
  segment(client, server, tcp(near, far, flags.ack | flags.fin, 1 + count * payload.length)),
  segment(server, client, tcp(far, near, flags.ack | flags.fin, 1)),
];

classify(handshake(50_000, 9092));
const batches = 8;
for (let batch = 0; batch < batches; batch++) {
  classify(data(50_000, 9092, batch * packetsOfBatch, packetsOfBatch));
}
process.stdout.write('compiled\n');
classify(ending(50_000, 9092, batches * packetsOfBatch));
classify([...handshake(1024, 9092), ...data(1024, 9092, 0, 5000), ...ending(1024, 9092, 5000)]);
