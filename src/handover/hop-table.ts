/** Follows every connection of the labels through the one pass, and keeps the hops worth showing. */
import type { PacketObserver } from '../classify.js';
import { recordLayout, type BatchFormat } from '../packet/batch.js';
import { hasPorts, protocols } from '../packet/ip.js';
import {
  tcpFlags,
  tcpFlagsAt,
  tcpHeaderLength,
  tcpPayloadLength,
  tcpSequenceAt,
  tcpWindowAt,
} from '../packet/tcp.js';
import { nextInOrder, segment, segmentEvent } from '../sinks/connection.js';
import { keyMatches, keySize, readKey } from '../sinks/flow-key.js';
import { flowLayout } from '../sinks/flow-layout.js';
import { FlowRecords } from '../sinks/flow-records.js';
import { mostUseful, type Hop } from './hop.js';
import { HopRecords } from './hop-records.js';
import { addHop, noHops, type HopTotals } from './hop-totals.js';

const { state, label, seen, size } = flowLayout;

/** Connections that are followed at once; beyond, the longest silent one counts as it then stands. */
const mostFlows = 262_144;

export interface HopTableOptions {
  /** The arena that every offset refers to. */
  readonly view: DataView;
  /** How many labels there are. */
  readonly labels: number;
  /** The report's first packet, nanoseconds since 1970. */
  readonly origin: bigint;
  /** How many hops are kept at least; all are counted. */
  readonly keep: number;
  readonly maximumFlows?: number;
}

/** Memory is bounded: flows by `mostFlows`, kept hops by twice `keep`. */
export class HopTable implements PacketObserver {
  /** Packets that are of no hop: neither TCP, UDP nor SCTP, later fragments, ports cut away. */
  outside = 0;
  /** Hops forgotten while they were open, to make room: what came after is another hop. */
  evicted = 0;
  /** Of each label, and of all hops, each once. */
  readonly totals: readonly HopTotals[];
  readonly total = noHops();
  readonly #view: DataView;
  readonly #flows: FlowRecords;
  readonly #hops: HopRecords;
  readonly #originSeconds: number;
  readonly #originNanoseconds: number;
  readonly #keep: number;
  readonly #key = new Int32Array(keySize);
  #kept: Hop[] = [];
  #last = 0;
  #little = true;
  #unit = 1000;

  constructor({ view, labels, origin, keep, maximumFlows = mostFlows }: HopTableOptions) {
    this.#view = view;
    this.#keep = keep;
    this.#originSeconds = Number(origin / 1_000_000_000n);
    this.#originNanoseconds = Number(origin % 1_000_000_000n);
    this.totals = Array.from({ length: labels }, noHops);
    this.#flows = new FlowRecords(maximumFlows, (at) => {
      this.evicted++;
      this.#finish(at);
    });
    this.#hops = new HopRecords(this.#flows);
  }

  begin(format: BatchFormat): void {
    this.#little = !format.bigEndian;
    this.#unit = format.nanoseconds ? 1 : 1000;
  }

  end(): void {
    // What a batch ends with is of no interest here.
  }

  /** Takes one packet of at least one label, as `PacketObserver` says. */
  packet(
    record: number,
    family: 4 | 6,
    ip: number,
    protocol: number,
    transport: number,
    end: number,
    source: number,
    destination: number,
  ): number {
    if (transport === 0 || !hasPorts(protocol)) {
      this.outside++;
      return 0;
    }
    const view = this.#view;
    const little = this.#little;
    const bytes = view.getUint32(record + recordLayout.originalLength, little);
    // Exact as a double for a hundred days.
    const time =
      (view.getUint32(record, little) - this.#originSeconds) * 1e9 +
      view.getUint32(record + recordLayout.fraction, little) * this.#unit -
      this.#originNanoseconds;
    const key = this.#key;
    const side = readKey(key, view, family, ip, protocol, transport, end);
    const flows = this.#flows;
    let at = this.#last;
    if (!keyMatches(flows.words, at, key, family)) {
      at = flows.find(key, family);
      if (at < 0) {
        at = flows.insert(key);
        flows.words[at + label + side] = source;
        flows.words[at + label + (side ^ 1)] = destination;
        this.#hops.begin(at, side, time);
      }
      this.#last = at;
    }
    flows.words[at + seen] = 1;
    if (protocol === protocols.TCP)
      this.#segment(at, family, ip, transport, end, bytes, side, time);
    this.#hops.count(at, side, time, bytes);
    return 0;
  }

  /** The hops that are still under way are hops, too. Call it once, at the end. */
  finish(): void {
    for (let flow = 0; flow < this.#flows.count; flow++) this.#finish(flow * size);
  }

  /** In order of their first packet: all, or the most useful `keep` at least. */
  get hops(): Hop[] {
    return mostUseful(this.#kept, Infinity);
  }

  #segment(
    at: number,
    family: 4 | 6,
    ip: number,
    transport: number,
    end: number,
    bytes: number,
    side: number,
    time: number,
  ): void {
    const view = this.#view;
    const header = tcpHeaderLength(view, transport, end);
    if (header === 0) return;
    const { words } = this.#flows;
    const flags = tcpFlagsAt(view, transport);
    const sequence = tcpSequenceAt(view, transport);
    const payload = tcpPayloadLength(view, family, ip, transport, header, end, bytes);
    const window = tcpWindowAt(view, transport);
    if (nextInOrder(words, at, side, flags, sequence, payload, window)) return;
    const before = words[at + state];
    const events = segment(words, at, side, flags, sequence, payload, window);
    if ((events & segmentEvent.restart) !== 0 && this.#hops.isBegun(at)) {
      // The ports are used again.
      this.#keepHop(this.#hops.hop(at, before));
      this.#hops.begin(at, side, time);
    }
    if ((events & segmentEvent.retransmission) !== 0) this.#hops.retransmission(at);
    if ((flags & tcpFlags.rst) !== 0) this.#hops.reset(at, side, before);
  }

  #finish(at: number): void {
    if (this.#hops.isBegun(at)) this.#keepHop(this.#hops.hop(at));
  }

  #keepHop(hop: Hop): void {
    const { from, to } = hop;
    addHop(this.total, hop);
    if (from.label >= 0) addHop(this.totals[from.label], hop);
    if (to.label >= 0 && to.label !== from.label) addHop(this.totals[to.label], hop);
    this.#kept.push(hop);
    if (this.#kept.length >= 2 * this.#keep) this.#kept = mostUseful(this.#kept, this.#keep);
  }
}
