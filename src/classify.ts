/** One pass over a batch: whose is each packet? Counts it, and hands runs of records to a sink. */
import { LbcapError } from './errors.js';
import type { LabelLookup } from './labels/lookup.js';
import type { Arena } from './packet/arena.js';
import {
  blockLead,
  blockLengthBefore,
  maximumCapturedLength,
  recordLayout,
  type Batch,
  type BatchFormat,
} from './packet/batch.js';
import { Conversation } from './packet/conversation.js';
import { fragmentOffsetMask, hasPorts, IpHeader, ipv4Layout, ipv6Layout } from './packet/ip.js';
import { notIp } from './packet/ether-type.js';
import { type LinkLayer, linkLayerOf, unknownLayer } from './packet/link-layer.js';
import { nobody, Runs, type RunSink } from './runs.js';

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
  /** Link types that lbcap does not know, with how many packets came with each: all unclassified. */
  readonly unknown = new Map<number, number>();
  /** Offset of the last record that was walked, valid as long as its batch; -1 when there is none. */
  lastRecord = -1;
  readonly #options: ClassifierOptions;
  readonly #conversation: Conversation;
  readonly #runs: Runs;
  /** Nobody asks for single packets: whole conversations may be walked. */
  readonly #steady: boolean;
  readonly #ip = new IpHeader();
  /** Labels of the packet in hand. */
  #from: number = nobody;
  #to: number = nobody;
  #packetsLeft: number;
  #bytesLeft: number;

  constructor(options: ClassifierOptions) {
    const { arena, labels, lookup, observer, directed = false } = options;
    this.outPackets = new Float64Array(labels);
    this.outBytes = new Float64Array(labels);
    this.inPackets = new Float64Array(labels);
    this.inBytes = new Float64Array(labels);
    this.selfPackets = new Float64Array(labels);
    this.selfBytes = new Float64Array(labels);
    this.#options = options;
    this.#packetsLeft = options.packetLimit ?? Infinity;
    this.#bytesLeft = options.byteLimit ?? Infinity;
    // Where a packet is handed to its source only, the way back is another output's.
    this.#conversation = new Conversation(arena.view, directed || options.once === true);
    this.#runs = new Runs({
      others: options.keepOthers ? labels : nobody,
      maximum: options.maximumRun,
      directed,
      once: options.once ?? false,
    });
    this.#steady =
      observer === undefined &&
      !lookup.usesPorts &&
      this.#packetsLeft === Infinity &&
      this.#bytesLeft === Infinity;
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

  /**
   * Walks the batch once. Records behind a limit are neither counted nor handed on.
   * @returns where the walk ended: before `batch.end` at a limit, or, where the batch may end inside a
   * record (`Batch.unchecked`), at a record that is cut or whose length cannot be believed
   */
  classify(batch: Batch, sink: RunSink): number {
    const { arena, lookup, keepOthers, observer } = this.#options;
    const { view } = arena;
    const { format, index } = batch;
    const linkLayer = linkLayerOf(format.linkType) ?? unknownLayer;
    const little = !format.bigEndian;
    const isBlock = format.blocks !== undefined;
    const lead = isBlock ? blockLead : 0;
    // Records that lie apart without being blocks can be no run, nor be walked as one.
    const steady = this.#steady && (index === undefined || isBlock);
    const conversation = this.#conversation;
    const runs = this.#runs;
    const before = this.packets;
    const limit = index === undefined ? batch.end : view.byteLength;

    observer?.begin(format);
    sink.begin?.(batch);
    conversation.begin(batch);
    runs.begin(sink);
    this.lastRecord = -1;
    let number = 0;
    let at = batch.start;
    while (!this.finished) {
      if (index === undefined) {
        if (at >= batch.end) break;
      } else {
        if (number >= index.count) break;
        at = index.starts[number];
      }

      if (steady) {
        const start = at;
        at = conversation.walk(start, limit, number);
        const { packets, source, destination } = conversation;
        if (packets > 0) {
          number += packets;
          this.lastRecord = conversation.last;
          const from = lookup.v4(source, 0);
          const to = lookup.v4(destination, 0);
          this.#countConversation(from, to);
          runs.add(from, to, start - lead, at - lead, packets);
          continue;
        }
      }

      if (index === undefined && batch.end - at < recordLayout.size) break;
      const captured = view.getInt32(at + recordLayout.capturedLength, little);
      const wire = view.getUint32(at + recordLayout.originalLength, little);
      const end = at + recordLayout.size + captured;
      // Of records with an index the source knows that they are whole.
      if (index === undefined && (captured >>> 0 > maximumCapturedLength || end > batch.end)) break;
      this.#labelOne(linkLayer, at, end);
      const from = this.#from;
      const to = this.#to;
      this.#count(from, to, 1, wire);
      const extent = at - lead;
      const extentEnd = isBlock ? extent + view.getInt32(at - blockLengthBefore, little) : end;
      runs.add(from, to, extent, extentEnd, 1);
      if (from >= 0 || to >= 0 || keepOthers) {
        this.#packetsLeft--;
        this.#bytesLeft -= wire;
      }
      this.lastRecord = at;
      number++;
      at = end;
    }
    runs.end();

    if (linkLayer === unknownLayer) {
      const packets = this.packets - before;
      this.unknown.set(format.linkType, (this.unknown.get(format.linkType) ?? 0) + packets);
    }
    return at;
  }

  /** Finds the labels of the packet whose record begins at `at`, and tells the observer. */
  #labelOne(linkLayer: LinkLayer, at: number, end: number): void {
    const { arena, lookup, observer } = this.#options;
    const { view } = arena;
    const { offset, mask, value, ip: fastIp } = linkLayer.fastIpv4;
    const { usesPorts } = lookup;
    const packet = at + recordLayout.size;
    let ip = packet + fastIp;
    if (
      ip + ipv4Layout.minimumSize <= end &&
      (view.getUint16(packet + offset) & mask) === value &&
      view.getUint8(ip) === 0x45 &&
      (view.getUint16(ip + ipv4Layout.totalLength) - 1) >>> 0 >= ipv4Layout.minimumSize - 1
    ) {
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
      const from = lookup.v4(view.getInt32(ip + ipv4Layout.source), ports >>> 16);
      const to = lookup.v4(view.getInt32(ip + ipv4Layout.destination), ports & 0xffff);
      this.#from = from;
      this.#to = to;
      if (from >= 0 || to >= 0) observer?.packet(at, 4, ip, protocol, transport, end, from, to);
      else if (portsCut) this.unclassified++;
      return;
    }

    this.#from = this.#to = nobody;
    const header = this.#ip;
    ip = linkLayer.findIp(view, packet, end);
    if (ip < 0 || !header.read(view, ip, end)) {
      if (ip !== notIp) this.unclassified++;
      return;
    }
    const { family, transport, protocol } = header;
    const ports = usesPorts && transport !== 0 && hasPorts(protocol) ? view.getInt32(transport) : 0;
    let from: number;
    let to: number;
    if (family === 4) {
      from = lookup.v4(view.getInt32(ip + ipv4Layout.source), ports >>> 16);
      to = lookup.v4(view.getInt32(ip + ipv4Layout.destination), ports & 0xffff);
    } else {
      from = lookup.v6(view, ip + ipv6Layout.source, ports >>> 16);
      to = lookup.v6(view, ip + ipv6Layout.destination, ports & 0xffff);
    }
    this.#from = from;
    this.#to = to;
    if (from >= 0 || to >= 0) observer?.packet(at, family, ip, protocol, transport, end, from, to);
    else if (usesPorts && header.portsCut) this.unclassified++;
  }

  /** Counts what the conversation has walked: some from `first` to `second`, the others back. */
  #countConversation(first: number, second: number): void {
    const { packets, bytes, backPackets, backBytes } = this.#conversation;
    this.packets += packets;
    this.bytes += bytes;
    if (first < 0 && second < 0) {
      this.othersPackets += packets;
      this.othersBytes += bytes;
      return;
    }
    this.labelledPackets += packets;
    this.labelledBytes += bytes;
    if (first >= 0) {
      this.outPackets[first] += packets - backPackets;
      this.outBytes[first] += bytes - backBytes;
      this.inPackets[first] += backPackets;
      this.inBytes[first] += backBytes;
      if (first === second) {
        this.selfPackets[first] += packets;
        this.selfBytes[first] += bytes;
      }
    }
    if (second >= 0) {
      this.outPackets[second] += backPackets;
      this.outBytes[second] += backBytes;
      this.inPackets[second] += packets - backPackets;
      this.inBytes[second] += bytes - backBytes;
    }
  }

  /** Counts packets from one label, or nobody, to another. */
  #count(from: number, to: number, packets: number, bytes: number): void {
    this.packets += packets;
    this.bytes += bytes;
    if (from < 0 && to < 0) {
      this.othersPackets += packets;
      this.othersBytes += bytes;
      return;
    }
    this.labelledPackets += packets;
    this.labelledBytes += bytes;
    if (from >= 0) {
      this.outPackets[from] += packets;
      this.outBytes[from] += bytes;
      if (to === from) {
        this.selfPackets[to] += packets;
        this.selfBytes[to] += bytes;
      }
    }
    if (to >= 0) {
      this.inPackets[to] += packets;
      this.inBytes[to] += bytes;
    }
  }
}
