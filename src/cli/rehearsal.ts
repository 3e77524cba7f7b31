/** Shows V8 every kind of packet before the first one comes. */
import { Classifier } from '../classify.js';
import { compileLookup } from '../labels/lookup.js';
import { parseLabels } from '../labels/parse.js';
import { createArenaOf } from '../packet/arena.js';
import { recordLayout, type Batch } from '../packet/batch.js';
import { Cursors } from '../packet/cursors.js';
import { etherTypes } from '../packet/ether-type.js';
import { protocols } from '../packet/ip.js';
import { linkTypes } from '../packet/link-layer.js';
import { tcpFlags } from '../packet/tcp.js';
import { plainWalkSize } from '../plain-walk.js';
import { FlowTable } from '../sinks/flows.js';

const { ack, fin, psh, rst, syn } = tcpFlags;

/** What is no IP. */
const arp = 0x0806;

/** Two labels' addresses, and nobody's. */
const one = 0x7f000002;
const other = 0x7f000003;
const nobody = 0x7f000001;

/** Of Ethernet, IPv4 and TCP without options. */
const headers = 54;
const recordSize = recordLayout.size + headers;

interface Kind {
  readonly etherType?: number;
  readonly protocol?: number;
  readonly from: number;
  readonly to: number;
  readonly ports: readonly [number, number];
  readonly flags?: number;
  readonly sequence?: number;
  readonly payload?: number;
}

/** V8 notes what a function meets once it has run some times; and more packets than wait to be appended. */
const repeats = 8;

/**
 * A branch of the loop over packets that V8 has not seen when it compiles the loop makes it throw the code away when
 * the branch is first taken, as by the first connection that ends: packets are then walked in slower code for seconds, and
 * the loop is compiled once more, for 20 ms (native-notes/libpcap.md). Takes some 10 ms.
 */
export function rehearse(): void {
  const labels = parseLabels(['one=127.0.0.2', 'other=127.0.0.3'], null);
  const each = [...packetsOf(9092, 40_000), ...packetsOf(40_000, 9092)];
  const kinds = Array.from({ length: repeats }, () => each).flat();
  const lookup = compileLookup(labels);
  const size = kinds.length * recordSize;
  const { arena, regions } = createArenaOf({
    input: [size],
    walk: [plainWalkSize(labels.length, lookup)],
    cursors: [Cursors.sizeOf(labels.length)],
    rooms: labels.map(() => 2 * size),
  });
  const { start } = regions.input[0];
  const starts = Int32Array.from(kinds, (_, index) => start + index * recordSize);
  for (const [index, kind] of kinds.entries()) put(arena.view, starts[index], kind);
  const batch: Batch = {
    format: { linkType: linkTypes.ETHERNET, bigEndian: false, nanoseconds: false },
    start,
    end: start + size,
    index: { starts, count: kinds.length },
  };
  const classifier = new Classifier({
    arena,
    region: regions.walk[0],
    lookup,
    labels: labels.length,
    keepOthers: false,
    maximumRun: size,
    observer: new FlowTable({ view: arena.view, labels: labels.length }),
  });
  const cursors = new Cursors(labels.length, { arena, region: regions.cursors[0] });
  for (const [label, { start, size }] of regions.rooms.entries()) {
    cursors.next[label] = start;
    cursors.limit[label] = start + size;
  }
  classifier.classify(batch, { cursors, append: () => undefined });
}

/** Connections of labels with nobody and with each other, from their first segment to their last, and what else there is. */
function packetsOf(near: number, far: number): Kind[] {
  const pairs = [
    [one, nobody],
    [nobody, one],
    [one, other],
    [nobody, nobody],
  ];
  return pairs.flatMap(([from, to]): Kind[] => {
    const there = { from, to, ports: [near, far] } as const;
    const back = { from: to, to: from, ports: [far, near] } as const;
    return [
      { ...there, flags: syn },
      { ...back, flags: syn | ack },
      { ...there, flags: ack, sequence: 1 },
      ...[1, 101, 201, 301, 401, 401].map((sequence) => ({
        ...there,
        flags: ack | psh,
        sequence,
        payload: 100,
      })),
      { ...back, flags: ack, sequence: 1 },
      { ...back, flags: ack | psh, sequence: 1, payload: 10 },
      { ...back, flags: ack | fin, sequence: 11 },
      { ...there, flags: ack | fin, sequence: 501 },
      { ...back, flags: ack, sequence: 12 },
      { ...there, flags: rst, sequence: 502 },
      { ...there, protocol: protocols.UDP },
      { ...back, protocol: protocols.UDP },
      { ...there, etherType: arp },
    ];
  });
}

/** Writes a record of the least there is of a packet. */
function put(view: DataView, record: number, kind: Kind): void {
  const { etherType = etherTypes.IPV4, protocol = protocols.TCP, from, to, ports } = kind;
  const { flags = 0, sequence = 0, payload = 0 } = kind;
  view.setUint32(record + recordLayout.capturedLength, headers, true);
  view.setUint32(record + recordLayout.originalLength, headers + payload, true);
  const frame = record + recordLayout.size;
  view.setUint16(frame + 12, etherType);
  const ip = frame + 14;
  view.setUint8(ip, 0x45);
  view.setUint16(ip + 2, headers - 14 + payload);
  view.setUint8(ip + 9, protocol);
  view.setUint32(ip + 12, from);
  view.setUint32(ip + 16, to);
  const transport = ip + 20;
  view.setUint16(transport, ports[0]);
  view.setUint16(transport + 2, ports[1]);
  view.setUint32(transport + 4, sequence);
  view.setUint8(transport + 12, 0x50);
  view.setUint8(transport + 13, flags);
  view.setUint16(transport + 14, 0xffff);
}
