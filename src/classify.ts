/** One pass over a batch: whose is each packet? Counts it, and hands runs of records to a sink. */
import type { LabelLookup } from './labels/lookup.js';
import type { Arena, Region } from './packet/arena.js';
import {
  blockLead,
  blockLengthBefore,
  maximumCapturedLength,
  recordLayout,
  type Batch,
  type BatchFormat,
} from './packet/batch.js';
import {
  fragmentOffsetMask,
  hasPorts,
  IpHeader,
  ipv4Layout,
  ipv6Layout,
  protocols,
} from './packet/ip.js';
import { notIp } from './packet/ether-type.js';
import { type LinkLayer, linkLayerOf, unknownLayer } from './packet/link-layer.js';
import { countersOf, PlainWalk } from './plain-walk.js';
import { countOf, LabelCounters, totalOf } from './label-counters.js';
import { nobody, Runs, type RunSink } from './runs.js';

/** Is told of every labelled IP packet; offsets are into the arena. */
export interface PacketObserver {
  /** The packets that follow are of a new batch. */
  begin(format: BatchFormat): void;
  /** That was the batch; `record` is the offset of its last record, labelled or not. */
  end(record: number): void;
  /**
   * @param record offset of the record's header
   * @param transport offset of the transport header, 0 for none
   * @param end end of the captured bytes
   * @param source index of the source's label or -1
   * @returns how many packets of other protocols than TCP the observer need not see next
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
  ): number;
}

export interface ClassifierOptions {
  readonly arena: Arena;
  /**
   * Of `plainWalkSize`, all zero: for walks over many packets at once, and for appending many runs. Without
   * it packets are taken one by one, as they are for an observer, for limits and for labels with ports.
   */
  readonly region?: Region | undefined;
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

export class Classifier extends LabelCounters {
  /** Packets whose headers are cut or contradict themselves; they are among the others. */
  unclassified = 0;
  /** Link types that lbcap does not know, with how many packets came with each: all unclassified. */
  readonly unknown = new Map<number, number>();
  /** Offset of the last record that was walked, valid as long as its batch; -1 when there is none. */
  lastRecord = -1;
  readonly #options: ClassifierOptions;
  readonly #runs: Runs;
  /** Where nobody asks for single packets. */
  readonly #plain: PlainWalk | null;
  readonly #ip = new IpHeader();
  /** Labels of the packet in hand. */
  #from: number = nobody;
  #to: number = nobody;
  #packetsLeft: number;
  #bytesLeft: number;
  /** Packets that the observer has said it need not see. */
  #unseen = 0;

  constructor(options: ClassifierOptions) {
    const { arena, region, labels, lookup, keepOthers, directed = false, once = false } = options;
    super(labels, region === undefined ? undefined : countersOf(arena, region));
    this.#options = options;
    this.#packetsLeft = options.packetLimit ?? Infinity;
    this.#bytesLeft = options.byteLimit ?? Infinity;
    const others = keepOthers ? labels : nobody;
    // Where a packet is handed to its source only, the way back is another output's.
    const oneWay = directed || once;
    const plain =
      region === undefined
        ? null
        : PlainWalk.of({ arena, region, lookup, counters: this, labels, others, oneWay });
    this.#runs = new Runs({ others, maximum: options.maximumRun, directed, once, appender: plain });
    const isSteady =
      options.observer === undefined &&
      !lookup.usesPorts &&
      this.#packetsLeft === Infinity &&
      this.#bytesLeft === Infinity;
    this.#plain = isSteady ? plain : null;
  }

  /** It may be given blocks that nobody has walked (`Batch.enhanced`). */
  get takesBlocks(): boolean {
    return this.#plain !== null;
  }

  /** A limit is reached: nothing more will be taken. */
  get finished(): boolean {
    return this.#packetsLeft <= 0 || this.#bytesLeft <= 0;
  }

  /** Packets that outputs were given: one that two labels got counts twice. */
  get handedOn(): number {
    const { once = false, keepOthers } = this.#options;
    const { counts } = this;
    let packets = keepOthers ? this.othersPackets : 0;
    if (once) return packets + this.labelledPackets;
    // Without an object for each of what may be tens of thousands of labels.
    for (let at = 0; at < counts.length; at += countOf.size) {
      packets += counts[at + countOf.outPackets] + counts[at + countOf.inPackets];
      packets -= counts[at + countOf.selfPackets];
    }
    return packets;
  }

  /**
   * Walks the batch once. Records behind a limit are neither counted nor handed on.
   * @returns where the walk ended: before `batch.end` at a limit, or, where the batch may end inside a
   * record (`Batch.unchecked`), at a record that is cut or whose length cannot be believed
   */
  classify(batch: Batch, sink: RunSink): number {
    const { observer } = this.#options;
    const { format } = batch;
    const linkLayer = linkLayerOf(format.linkType) ?? unknownLayer;
    const runs = this.#runs;
    const before = this.packets;

    observer?.begin(format);
    sink.begin?.(batch);
    this.lastRecord = -1;
    const plain =
      batch.index === undefined || this.#plain?.reaches(batch.index.starts) ? this.#plain : null;
    // A row's runs are where others would wait.
    runs.begin(sink, plain === null);
    const at =
      plain === null
        ? this.#walkEach(batch, linkLayer)
        : this.#walkRows(plain, batch, linkLayer, sink);
    runs.end();
    if (this.lastRecord >= 0) observer?.end(this.lastRecord);

    if (linkLayer === unknownLayer) {
      const packets = this.packets - before;
      this.unknown.set(format.linkType, (this.unknown.get(format.linkType) ?? 0) + packets);
    }
    return at;
  }

  /** Takes rows of plain packets, and single packets only between them. No limit, no observer, no ports. */
  #walkRows(plain: PlainWalk, batch: Batch, linkLayer: LinkLayer, sink: RunSink): number {
    const { view } = this.#options.arena;
    const { format, index, enhanced } = batch;
    const little = !format.bigEndian;
    const isBlock = format.blocks !== undefined;
    const lead = isBlock ? blockLead : 0;
    const runs = this.#runs;
    plain.begin(batch, sink);
    let number = 0;
    let at = batch.start;
    for (;;) {
      let count: number;
      if (index === undefined) {
        if (at >= batch.end) break;
        count =
          enhanced === undefined
            ? plain.take(at, batch.end, runs)
            : plain.takeBlocks(at, batch.end, runs);
      } else {
        if (number >= index.count) break;
        at = index.starts[number];
        count = plain.takeIndexed(index, number, isBlock, runs);
      }
      if (count > 0) {
        number += count;
        this.lastRecord = plain.last;
        at = plain.end;
        continue;
      }

      let next = -1;
      if (enhanced !== undefined) {
        next = enhanced.take(at, batch.end);
        if (next < 0) break;
        at += blockLead;
      } else if (index === undefined && batch.end - at < recordLayout.size) break;
      const captured = view.getInt32(at + recordLayout.capturedLength, little);
      const wire = view.getUint32(at + recordLayout.originalLength, little);
      const end = at + recordLayout.size + captured;
      // Of records with an index, and of blocks, it is known that they are whole.
      const isSure = index !== undefined || enhanced !== undefined;
      if (!isSure && (captured >>> 0 > maximumCapturedLength || end > batch.end)) break;
      this.#labelOther(linkLayer, at, end);
      const from = this.#from;
      const to = this.#to;
      this.count(from, to, wire);
      const extent = at - lead;
      const extentEnd = isBlock ? extent + view.getInt32(at - blockLengthBefore, little) : end;
      runs.add(from, to, extent, extentEnd, 1);
      this.lastRecord = at;
      number++;
      at = enhanced === undefined ? end : next;
    }
    return at;
  }

  /** Takes packet by packet, as limits, an observer or labels with ports need it. */
  #walkEach(batch: Batch, linkLayer: LinkLayer): number {
    const { arena, lookup, keepOthers, observer } = this.#options;
    const { view } = arena;
    const { format, index } = batch;
    const { offset: fastOffset, mask: fastMask, value: fastValue, ip: fastIp } = linkLayer.fastIpv4;
    const little = !format.bigEndian;
    const isBlock = format.blocks !== undefined;
    const lead = isBlock ? blockLead : 0;
    const { usesPorts } = lookup;
    const runs = this.#runs;
    const { counts, totals } = this;
    const starts = index?.starts;
    const count = index?.count ?? 0;
    // Fields that change with each packet are kept in registers meanwhile.
    let packets = 0;
    let bytes = 0;
    let labelledPackets = 0;
    let labelledBytes = 0;
    let othersPackets = 0;
    let othersBytes = 0;
    let unclassified = 0;
    let unseen = this.#unseen;
    // Converted, so that V8 knows them for numbers: as what a field may hold, each step would be boxed.
    let packetsLeft = Number(this.#packetsLeft);
    let bytesLeft = Number(this.#bytesLeft);
    let last = -1;
    // The last source and the last destination, and whose they were: one of the two often stays.
    let memoSource = 0;
    let memoSourcePort = 0;
    let memoFrom = lookup.v4(0, 0);
    let memoDestination = 0;
    let memoDestinationPort = 0;
    let memoTo = memoFrom;

    let at = batch.start;
    while (packetsLeft > 0 && bytesLeft > 0) {
      if (starts === undefined) {
        if (batch.end - at < recordLayout.size) break;
      } else {
        if (packets >= count) break;
        at = starts[packets];
      }
      const captured = view.getInt32(at + recordLayout.capturedLength, little);
      const wire = view.getUint32(at + recordLayout.originalLength, little);
      const packet = at + recordLayout.size;
      const end = packet + captured;
      // Of records with an index the source knows that they are whole.
      if (starts === undefined && (captured >>> 0 > maximumCapturedLength || end > batch.end))
        break;
      let from: number;
      let to: number;
      const ip = packet + fastIp;
      if (
        ip + ipv4Layout.minimumSize <= end &&
        (view.getUint16(packet + fastOffset) & fastMask) === fastValue &&
        view.getUint8(ip) === 0x45 &&
        (view.getUint16(ip + ipv4Layout.totalLength) - 1) >>> 0 >= ipv4Layout.minimumSize - 1
      ) {
        const source = view.getInt32(ip + ipv4Layout.source);
        const destination = view.getInt32(ip + ipv4Layout.destination);
        const protocol = view.getUint8(ip + ipv4Layout.protocol);
        let ports = 0;
        let portsCut = false;
        let transport = 0;
        if ((view.getUint16(ip + ipv4Layout.fragment) & fragmentOffsetMask) === 0) {
          const behind = ip + ipv4Layout.minimumSize;
          if (!hasPorts(protocol)) transport = behind < end ? behind : 0;
          else if (behind + 4 <= end) {
            transport = behind;
            if (usesPorts) ports = view.getInt32(behind);
          } else portsCut = usesPorts;
        }
        const sourcePort = ports >>> 16;
        if (source === memoDestination && source !== memoSource) {
          // Perhaps the answer: the other direction is then known too.
          const label = memoFrom;
          const port = memoSourcePort;
          memoDestination = memoSource;
          memoSource = source;
          memoSourcePort = memoDestinationPort;
          memoDestinationPort = port;
          memoFrom = memoTo;
          memoTo = label;
        }
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
        if (from < 0 && to < 0) {
          if (portsCut) unclassified++;
        } else if (observer === undefined) {
          // Nobody looks.
        } else if (protocol === protocols.TCP) {
          observer.packet(at, 4, ip, protocol, transport, end, from, to);
        } else if (unseen > 0) unseen--;
        else unseen = observer.packet(at, 4, ip, protocol, transport, end, from, to);
      } else {
        this.#unseen = unseen;
        this.#labelOther(linkLayer, at, end);
        unseen = this.#unseen;
        from = this.#from;
        to = this.#to;
      }

      packets++;
      bytes += wire;
      if (from >= 0) {
        const counted = from * countOf.size;
        counts[counted + countOf.outPackets]++;
        counts[counted + countOf.outBytes] += wire;
        if (to === from) {
          counts[counted + countOf.selfPackets]++;
          counts[counted + countOf.selfBytes] += wire;
        }
      }
      if (to >= 0) {
        const counted = to * countOf.size;
        counts[counted + countOf.inPackets]++;
        counts[counted + countOf.inBytes] += wire;
      }
      const isLabelled = from >= 0 || to >= 0;
      if (isLabelled) {
        labelledPackets++;
        labelledBytes += wire;
      } else {
        othersPackets++;
        othersBytes += wire;
      }
      const extent = at - lead;
      runs.add(
        from,
        to,
        extent,
        isBlock ? extent + view.getInt32(at - blockLengthBefore, little) : end,
        1,
      );
      if (isLabelled || keepOthers) {
        packetsLeft--;
        bytesLeft -= wire;
      }
      last = at;
      at = end;
    }
    totals[totalOf.packets] += packets;
    totals[totalOf.bytes] += bytes;
    totals[totalOf.labelledPackets] += labelledPackets;
    totals[totalOf.labelledBytes] += labelledBytes;
    totals[totalOf.othersPackets] += othersPackets;
    totals[totalOf.othersBytes] += othersBytes;
    this.unclassified += unclassified;
    this.#unseen = unseen;
    this.#packetsLeft = packetsLeft;
    this.#bytesLeft = bytesLeft;
    this.lastRecord = last;
    return at;
  }

  /** Finds the labels of a packet that is no plain IPv4, and tells the observer. */
  #labelOther(linkLayer: LinkLayer, at: number, end: number): void {
    const { arena, lookup } = this.#options;
    const { view } = arena;
    const { usesPorts } = lookup;
    this.#from = this.#to = nobody;
    const header = this.#ip;
    const ip = linkLayer.findIp(view, at + recordLayout.size, end);
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
    if (from >= 0 || to >= 0) this.#show(at, family, ip, protocol, transport, end);
    else if (usesPorts && header.portsCut) this.unclassified++;
  }

  /** Shows the labelled packet in hand to the observer, unless it need not see it. */
  #show(
    record: number,
    family: 4 | 6,
    ip: number,
    protocol: number,
    transport: number,
    end: number,
  ): void {
    const { observer } = this.#options;
    if (observer === undefined) return;
    const [from, to] = [this.#from, this.#to];
    if (protocol === protocols.TCP) {
      observer.packet(record, family, ip, protocol, transport, end, from, to);
    } else if (this.#unseen > 0) this.#unseen--;
    else this.#unseen = observer.packet(record, family, ip, protocol, transport, end, from, to);
  }
}
