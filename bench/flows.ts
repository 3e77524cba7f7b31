/** The time that the flow table takes per packet, without the capture around it. */
import { performance } from 'node:perf_hooks';
import { FlowTable } from '../src/sinks/flows.js';
import { say } from './report.js';

const ethernet = 14;
const frameSize = 128;
const recordSize = 16 + frameSize;
const format = { linkType: 1, bigEndian: false, nanoseconds: false };
/** Packets of a batch, as a busy capture hands them over. */
const batch = 2048;
/** Short rounds, of which the best counts: what else runs on the machine spoils only some. */
const packets = 400_000;
const rounds = 40;

interface Load {
  readonly title: string;
  readonly protocol: 6 | 17;
  readonly flows: number;
  /** Packets of one flow in a row. */
  readonly run: number;
}

const loads: Load[] = [
  { title: 'UDP, 1 flow', protocol: 17, flows: 1, run: 1 },
  { title: 'UDP, 8 flows interleaved', protocol: 17, flows: 8, run: 1 },
  { title: 'UDP, 1,024 flows interleaved', protocol: 17, flows: 1024, run: 1 },
  { title: 'UDP, 65,536 flows interleaved', protocol: 17, flows: 65_536, run: 1 },
  { title: 'TCP, 8 flows interleaved', protocol: 6, flows: 8, run: 1 },
  { title: 'TCP, 8 flows, runs of 16', protocol: 6, flows: 8, run: 16 },
  { title: 'TCP, 1,024 flows interleaved', protocol: 6, flows: 1024, run: 1 },
];

/** Frames in flow order, each flow of its own client address, spread over 8 labels. */
function frames({ protocol, flows }: Load): DataView {
  const view = new DataView(new ArrayBuffer(flows * recordSize));
  for (let flow = 0; flow < flows; flow++) {
    const ip = flow * recordSize + ethernet + 16;
    view.setUint32(ip - ethernet - 4, frameSize, true);
    view.setUint8(ip, 0x45);
    view.setUint16(ip + 2, frameSize - ethernet);
    view.setUint8(ip + 9, protocol);
    view.setUint32(ip + 12, 0x7f000002 + (flow % 8));
    view.setUint32(ip + 16, 0x7f000001);
    view.setUint16(ip + 20, 32_768 + (flow >>> 3));
    view.setUint16(ip + 22, 9092);
    view.setUint8(ip + 32, 0x50);
    view.setUint8(ip + 33, 0x10);
  }
  return view;
}

function nanosecondsPerPacket(load: Load): number {
  const view = frames(load);
  const table = new FlowTable({ view, labels: 8 });
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    let unseen = 0;
    for (let i = 0, flow = 0; i < packets; i++) {
      const record = flow * recordSize;
      const ip = record + 16 + ethernet;
      const end = record + recordSize;
      if (i % batch === 0) table.begin(format);
      // The sequence number moves on, as it does: else all would be retransmissions.
      if (load.protocol === 6) view.setUint32(ip + 24, (view.getUint32(ip + 24) + 74) >>> 0);
      if (unseen > 0) unseen--;
      else unseen = table.packet(record, 4, ip, load.protocol, ip + 20, end, flow & 7, -1);
      if (i % load.run === load.run - 1) flow = flow + 1 === load.flows ? 0 : flow + 1;
    }
    best = Math.min(best, ((performance.now() - start) * 1e6) / packets);
  }
  return best;
}

/** Prints it; there is no limit of its own, `udp` and `tcp` hold the whole to theirs. */
export function measureFlows(): boolean {
  say('Flow table, the best of short rounds');
  for (const load of loads) {
    say(`  ${load.title.padEnd(32)} ${nanosecondsPerPacket(load).toFixed(1)} ns a packet`);
  }
  return true;
}
