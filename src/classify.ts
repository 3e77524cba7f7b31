/** One pass over a batch: whose is each packet? Counts it, and hands runs of records to a sink. */
import { LbcapError } from './errors.js';
import type { LabelLookup } from './labels/lookup.js';
import type { Arena } from './packet/arena.js';
import {
  blockLead,
  blockLengthBefore,
  recordLayout,
  type Batch,
  type BatchFormat,
} from './packet/batch.js';
import { fragmentOffsetMask, hasPorts, IpHeader, ipv4Layout, ipv6Layout } from './packet/ip.js';
import { notIp } from './packet/ether-type.js';
import { linkLayerOf, unknownLayer } from './packet/link-layer.js';

/** Which way packets go, seen from a label: the values of pcapng's direction bits. */
export const directions = { unknown: 0, inbound: 1, outbound: 2 } as const;
export type Direction = (typeof directions)[keyof typeof directions];

/** Takes runs of whole records, or of whole blocks. */
export interface RunSink {
  /** What follows is of this batch: its preamble comes before it. */
  begin?(batch: Batch): void;
  /**
   * @param output a label's index, or `others`
   * @param packets how many the run holds
   * @param direction of all of them; `unknown` unless runs are cut by it (`directed`)
   */
  append(output: number, start: number, end: number, packets: number, direction: Direction): void;
}

/** Is told of every labelled IP packet; offsets are into the arena. */
export interface PacketObserver {
  /** The packets that follow are of a new batch. */
  begin(format: BatchFormat): void;
  /**
   * @param record offset of the record's header
   * @param transport offset of the transport header, 0 for none
   * @param end end of the captured bytes
   * @param source index of the source's label or -1
   */
  packet(
    record: number,
    family: 4 | 6,
    ip: number,
    protocol: number,
    transport: number,
    end: number,
    source: number,
    destination: number,
  ): void;
}

export interface ClassifierOptions {
  readonly arena: Arena;
  readonly lookup: LabelLookup;
  /** How many labels there are. */
  readonly labels: number;
  /** Hand packets of no label to output `labels` too. */
  readonly keepOthers: boolean;
  /** A run is cut here, bytes: what a sink can always take at once. */
  readonly maximumRun: number;
  readonly observer?: PacketObserver | undefined;
  /** Cut runs where the direction changes, and say it. Of a label to itself it is not known. */
  readonly directed?: boolean | undefined;
  /** Hand a packet between two labels to its source's output only. */
  readonly once?: boolean | undefined;
  /** Stop after this many packets, or (wire) bytes, that go to an output. */
  readonly packetLimit?: number | undefined;
  readonly byteLimit?: number | undefined;
}

/** No packet may read this as an IP header: neither family nor fast path. */
const nobody = -1;

/** Counters are per label, bytes as on the wire. A label's file holds `out + in - self` packets. */
export class Classifier {
  readonly outPackets: Float64Array;
  readonly outBytes: Float64Array;
  readonly inPackets: Float64Array;
  readonly inBytes: Float64Array;
  /** Both ends are the label's: counted in `out` and in `in`. */
  readonly selfPackets: Float64Array;
  readonly selfBytes: Float64Array;
  packets = 0;
  bytes = 0;
  labelledPackets = 0;
  labelledBytes = 0;
  othersPackets = 0;
  othersBytes = 0;
  /** Packets whose headers are cut or contradict themselves; they are among the others. */
  unclassified = 0;
  /** Offset of the last record that was walked, valid as long as its batch; -1 when there is none. */
  lastRecord = -1;
  /** Link types that lbcap does not know, with how many packets came with each: all unclassified. */
  readonly unknown = new Map<number, number>();
  readonly #options: ClassifierOptions;
  readonly #ip = new IpHeader();
  #packetsLeft: number;
  #bytesLeft: number;

  constructor(options: ClassifierOptions) {
    const { labels } = options;
    this.outPackets = new Float64Array(labels);
    this.outBytes = new Float64Array(labels);
    this.inPackets = new Float64Array(labels);
    this.inBytes = new Float64Array(labels);
    this.selfPackets = new Float64Array(labels);
    this.selfBytes = new Float64Array(labels);
    this.#options = options;
    this.#packetsLeft = options.packetLimit ?? Infinity;
    this.#bytesLeft = options.byteLimit ?? Infinity;
  }

  /** A limit is reached: nothing more will be taken. */
  get finished(): boolean {
    return this.#packetsLeft <= 0 || this.#bytesLeft <= 0;
  }

  /** Packets that outputs were given: one that two labels got counts twice. */
  get handedOn(): number {
    const { labels, once = false, keepOthers } = this.#options;
    let packets = keepOthers ? this.othersPackets : 0;
    if (once) return packets + this.labelledPackets;
    for (let label = 0; label < labels; label++) {
      packets += this.outPackets[label] + this.inPackets[label] - this.selfPackets[label];
    }
    return packets;
  }

  /** @throws INVARIANT when a packet was counted twice or not at all */
  assertConservation(): void {
    if (
      this.packets === this.labelledPackets + this.othersPackets &&
      this.bytes === this.labelledBytes + this.othersBytes
    ) {
      return;
    }
    throw new LbcapError(
      'INVARIANT',
      `${this.packets} packets came in, but ${this.labelledPackets} labelled and ${this.othersPackets} others were counted`,
      'this is a fault in lbcap, please report it',
    );
  }

  /** Walks the batch once. Records behind a limit are neither counted nor handed on. */
  classify(batch: Batch, sink: RunSink): void {
    const { arena, lookup, labels, keepOthers, maximumRun, observer } = this.#options;
    const { directed = false, once = false } = this.#options;
    const { view } = arena;
    const linkLayer = linkLayerOf(batch.format.linkType) ?? unknownLayer;
    const { findIp } = linkLayer;
    const { offset: fastOffset, mask: fastMask, value: fastValue, ip: fastIp } = linkLayer.fastIpv4;
    const little = !batch.format.bigEndian;
    const isBlock = batch.format.blocks !== undefined;
    const lead = isBlock ? blockLead : 0;
    const { usesPorts } = lookup;
    const header = this.#ip;
    const others = keepOthers ? labels : nobody;
    const { outPackets, outBytes, inPackets, inBytes, selfPackets, selfBytes } = this;

    observer?.begin(batch.format);
    sink.begin?.(batch);
    let packets = 0;
    let bytes = 0;
    let labelledPackets = 0;
    let labelledBytes = 0;
    let othersPackets = 0;
    let othersBytes = 0;
    let unclassified = 0;
    let packetsLeft = this.#packetsLeft;
    let bytesLeft = this.#bytesLeft;

    // The last source and the last destination, and whose they were: one of the two often stays.
    let memoSource = 0;
    let memoSourcePort = 0;
    let memoFrom = lookup.v4(0, 0);
    let memoDestination = 0;
    let memoDestinationPort = 0;
    let memoTo = memoFrom;

    // The run of records under way goes to one or two outputs.
    let runStart = batch.start;
    let runEnd = batch.start;
    let runFirst = nobody;
    let runSecond = nobody;
    let runDirection: Direction = directions.unknown;
    let runBefore = 0;
    let last = -1;

    const starts = batch.index?.starts;
    const count = batch.index?.count ?? 0;
    let at = batch.start;
    while (packetsLeft > 0 && bytesLeft > 0) {
      if (starts === undefined) {
        if (at >= batch.end) break;
      } else {
        if (packets >= count) break;
        at = starts[packets];
      }
      const captured = view.getInt32(at + recordLayout.capturedLength, little);
      const wire = view.getUint32(at + recordLayout.originalLength, little);
      const packet = at + recordLayout.size;
      const end = packet + captured;
      let from = nobody;
      let to = nobody;
      let ip = packet + fastIp;

      if (
        captured >= fastIp + ipv4Layout.minimumSize &&
        (view.getUint16(packet + fastOffset) & fastMask) === fastValue &&
        view.getUint8(ip) === 0x45 &&
        (view.getUint16(ip + ipv4Layout.totalLength) - 1) >>> 0 >= ipv4Layout.minimumSize - 1
      ) {
        const source = view.getInt32(ip + ipv4Layout.source);
        const destination = view.getInt32(ip + ipv4Layout.destination);
        let ports = 0;
        let portsCut = false;
        let protocol = 0;
        let transport = 0;
        if (usesPorts || observer !== undefined) {
          protocol = view.getUint8(ip + ipv4Layout.protocol);
          if ((view.getUint16(ip + ipv4Layout.fragment) & fragmentOffsetMask) === 0) {
            const behind = ip + ipv4Layout.minimumSize;
            if (!hasPorts(protocol)) transport = behind < end ? behind : 0;
            else if (behind + 4 <= end) {
              transport = behind;
              if (usesPorts) ports = view.getInt32(behind);
            } else portsCut = usesPorts;
          }
        }
        const sourcePort = ports >>> 16;
        if (source !== memoSource || sourcePort !== memoSourcePort) {
          memoFrom = lookup.v4(source, sourcePort);
          memoSource = source;
          memoSourcePort = sourcePort;
        }
        const destinationPort = ports & 0xffff;
        if (destination !== memoDestination || destinationPort !== memoDestinationPort) {
          memoTo = lookup.v4(destination, destinationPort);
          memoDestination = destination;
          memoDestinationPort = destinationPort;
        }
        from = memoFrom;
        to = memoTo;
        if (from >= 0 || to >= 0) {
          observer?.packet(at, 4, ip, protocol, transport, end, from, to);
        } else if (portsCut) unclassified++;
      } else {
        ip = findIp(view, packet, end);
        if (ip >= 0 && header.read(view, ip, end)) {
          const { family, transport } = header;
          const ports =
            usesPorts && transport !== 0 && hasPorts(header.protocol)
              ? view.getInt32(transport)
              : 0;
          if (family === 4) {
            from = lookup.v4(view.getInt32(ip + ipv4Layout.source), ports >>> 16);
            to = lookup.v4(view.getInt32(ip + ipv4Layout.destination), ports & 0xffff);
          } else {
            from = lookup.v6(view, ip + ipv6Layout.source, ports >>> 16);
            to = lookup.v6(view, ip + ipv6Layout.destination, ports & 0xffff);
          }
          if (from >= 0 || to >= 0) {
            observer?.packet(at, family, ip, header.protocol, transport, end, from, to);
          } else if (usesPorts && header.portsCut) unclassified++;
        } else if (ip !== notIp) unclassified++;
      }

      bytes += wire;
      let first: number;
      let second = nobody;
      if (from >= 0) {
        outPackets[from]++;
        outBytes[from] += wire;
        first = from;
        if (to >= 0) {
          inPackets[to]++;
          inBytes[to] += wire;
          if (to === from) {
            selfPackets[to]++;
            selfBytes[to] += wire;
          } else {
            // One order for both directions, so that a dialogue of two labels is one run.
            first = from < to || once ? from : to;
            if (!once) second = from < to ? to : from;
          }
        }
        labelledPackets++;
        labelledBytes += wire;
      } else if (to >= 0) {
        inPackets[to]++;
        inBytes[to] += wire;
        first = to;
        labelledPackets++;
        labelledBytes += wire;
      } else {
        first = others;
        othersPackets++;
        othersBytes += wire;
      }

      const extent = at - lead;
      const extentEnd = isBlock ? extent + view.getInt32(at - blockLengthBefore, little) : end;
      // As the first output sees it; for the second it is the other one.
      const direction =
        !directed || from === to
          ? directions.unknown
          : first === from
            ? directions.outbound
            : directions.inbound;
      if (
        first !== runFirst ||
        second !== runSecond ||
        extent !== runEnd ||
        direction !== runDirection ||
        extentEnd - runStart > maximumRun
      ) {
        if (runFirst >= 0) {
          const inRun = packets - runBefore;
          sink.append(runFirst, runStart, runEnd, inRun, runDirection);
          if (runSecond >= 0) {
            sink.append(runSecond, runStart, runEnd, inRun, opposite(runDirection));
          }
        }
        runFirst = first;
        runSecond = second;
        runStart = extent;
        runDirection = direction;
        runBefore = packets;
      }
      packets++;
      last = at;
      runEnd = extentEnd;
      if (first >= 0) {
        packetsLeft--;
        bytesLeft -= wire;
      }
      at = end;
    }
    if (runFirst >= 0) {
      const inRun = packets - runBefore;
      sink.append(runFirst, runStart, runEnd, inRun, runDirection);
      if (runSecond >= 0) {
        sink.append(runSecond, runStart, runEnd, inRun, opposite(runDirection));
      }
    }

    this.lastRecord = last;
    this.packets += packets;
    this.bytes += bytes;
    this.labelledPackets += labelledPackets;
    this.labelledBytes += labelledBytes;
    this.othersPackets += othersPackets;
    this.othersBytes += othersBytes;
    this.unclassified += unclassified;
    if (linkLayer === unknownLayer) {
      const { linkType } = batch.format;
      this.unknown.set(linkType, (this.unknown.get(linkType) ?? 0) + packets);
    }
    this.#packetsLeft = packetsLeft;
    this.#bytesLeft = bytesLeft;
  }
}

/** What is outbound for one end is inbound for the other. */
function opposite(direction: Direction): Direction {
  return direction === directions.unknown
    ? direction
    : direction === directions.inbound
      ? directions.outbound
      : directions.inbound;
}
