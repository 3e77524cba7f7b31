/** Every flow of the labels: TCP health and busiest peers, in the capture's one pass. */
import { recordLayout, type BatchFormat } from '../packet/batch.js';
import { protocols } from '../packet/ip.js';
import {
  tcpFlagsAt,
  tcpHeaderLength,
  tcpPayloadLength,
  tcpSequenceAt,
  tcpWindowAt,
} from '../packet/tcp.js';
import { DatagramSample } from './datagram-sample.js';
import { nextInOrder, segment, segmentEvent } from './connection.js';
import { keyMatches, keySize, readKey } from './flow-key.js';
import { flowLayout } from './flow-layout.js';
import { FlowRecords } from './flow-records.js';
import { HealthCounters } from './health.js';
import { memoSize, memoSlot, nextSegment } from './next-segment.js';
import { noPeer, PeerTable, unresolvedPeer } from './peers.js';
import { isServer } from './server-side.js';
import type { TcpHealth } from './snapshot.js';

const defaultMaximum = 262_144;

/**
 * Flows by 5-tuple, both directions one flow. No allocation per packet; memory doubles up to
 * `maximumFlows` (some 100 bytes each). Beyond it a closed or long unseen flow is evicted, and
 * counted: from then on a connection may be forgotten while it is open.
 */
export class FlowTable {
  readonly #view: DataView;
  readonly #records: FlowRecords;
  readonly #health: HealthCounters;
  readonly #peers: PeerTable;
  /** Seconds of the latest packet: an array's element, since a field would be boxed. */
  readonly #latest = new Float64Array(1);
  readonly #sample = new DatagramSample();
  readonly #key = new Int32Array(keySize);
  /** Records found last, by a cheap hash: a few busy flows make most of the packets. */
  readonly #memo = new Int32Array(memoSize);

  #little = true;
  /** Seconds that a timestamp's two words count in, and what is added (pcapng's if_tsoffset). */
  #firstUnit = 1;
  #secondUnit = 1e-6;
  #offset = 0;

  /**
   * @param options.view the arena that every offset refers to
   * @param options.labels how many labels there are
   */
  constructor(options: { view: DataView; labels: number; maximumFlows?: number }) {
    this.#view = options.view;
    const maximum = options.maximumFlows ?? defaultMaximum;
    this.#records = new FlowRecords(maximum, (at) => {
      this.#health.change(at, this.#records.words[at + flowLayout.state], 0);
    });
    this.#health = new HealthCounters(options.labels, this.#records);
    this.#peers = new PeerTable(options.labels, maximum, (moved) => {
      this.#movePeers(moved);
    });
  }

  /** Flows evicted to make room. Not 0: open connections and retransmissions may be too few. */
  get evicted(): number {
    return this.#records.evicted;
  }

  /** Tells how the record headers of the packets that follow are to be read. */
  begin(format: BatchFormat): void {
    this.#little = !format.bigEndian;
    const { blocks } = format;
    this.#firstUnit = blocks === undefined ? 1 : blocks.tick * 2 ** 32;
    this.#secondUnit = blocks?.tick ?? (format.nanoseconds ? 1e-9 : 1e-6);
    this.#offset = blocks?.offset ?? 0;
    this.#sample.begin();
  }

  /** The batch is done; `record` was its last. */
  end(record: number): void {
    this.#latest[0] = Math.max(this.#latest[0], this.#seconds(record));
  }

  /**
   * Takes in one packet of at least one label.
   *
   * @param record offset of the record header
   * @param family of the IP header at `ip`, whose addresses are wholly captured
   * @param protocol the upper layer's, after any extension headers
   * @param transport offset of the TCP, UDP or SCTP header; 0 when there is none
   * @param end offset after the last captured byte
   * @param source label index, or -1
   * @param destination label index, or -1
   * @returns how many packets of other protocols than TCP need not be shown
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
  ): number {
    if (protocol === protocols.TCP && transport !== 0 && family === 4) {
      const { words } = this.#records;
      const at = nextSegment(this.#view, words, this.#memo, ip, transport, end);
      if (at >= 0) {
        const bytes = this.#view.getUint32(record + recordLayout.originalLength, this.#little);
        const first = words[at + flowLayout.peer];
        const second = words[at + flowLayout.peer + 1];
        // Mostly one end is a label's, and which one is no branch.
        const either = first === noPeer ? second : first;
        if (either !== noPeer) this.#peers.credit(either, bytes);
        if (first !== noPeer && second !== noPeer) this.#peers.credit(second, bytes);
        return 0;
      }
    }
    return this.#takeIn(record, family, ip, protocol, transport, end, source, destination);
  }

  /** Does what `packet` says for any packet; what is rare is here. */
  #takeIn(
    record: number,
    family: 4 | 6,
    ip: number,
    protocol: number,
    transport: number,
    end: number,
    source: number,
    destination: number,
  ): number {
    const view = this.#view;
    const wireBytes = view.getUint32(record + recordLayout.originalLength, this.#little);
    const key = this.#key;
    const side = readKey(key, view, family, ip, protocol, transport, end);
    const records = this.#records;
    const slot = memoSlot(
      key[flowLayout.ports],
      key[flowLayout.address],
      key[flowLayout.address + 1],
    );
    let at = this.#memo[slot];
    if (!keyMatches(records.words, at, key, family)) {
      at = records.find(key, family);
      if (at < 0) {
        at = records.insert(key);
        records.words[at + flowLayout.label + side] = source;
        records.words[at + flowLayout.label + (side ^ 1)] = destination;
        records.words[at + flowLayout.peer] = records.words[at + flowLayout.peer + 1] =
          unresolvedPeer;
      }
      this.#memo[slot] = at;
    }
    const words = records.words;
    if (words[at + flowLayout.seen] === 0) words[at + flowLayout.seen] = 1;
    let bytes = wireBytes;
    let skip = 0;
    if (protocol === protocols.TCP) {
      if (transport !== 0) this.#segment(at, record, family, ip, transport, end, wireBytes, side);
    } else {
      bytes *= this.#sample.weight;
      skip = this.#sample.next();
    }
    let credited = words[at + flowLayout.peer];
    if (credited === unresolvedPeer) credited = this.#resolvePeer(at, 0);
    if (credited !== noPeer) this.#peers.credit(credited, bytes);
    credited = words[at + flowLayout.peer + 1];
    if (credited === unresolvedPeer) credited = this.#resolvePeer(at, 1);
    if (credited !== noPeer) this.#peers.credit(credited, bytes);
    return skip;
  }

  /**
   * @param now seconds on the packets' clock, by default the latest packet's: while nothing comes
   *   in, only the caller knows how late it is
   */
  health(labelIndex: number, now: number = this.#latest[0]): TcpHealth {
    return this.#health.of(labelIndex, now);
  }

  /** The health of all labels together, where a connection between two of them counts once. */
  totalHealth(now: number = this.#latest[0]): TcpHealth {
    return this.#health.total(now);
  }

  /**
   * The peer with most bytes either way: `127.0.0.1:9092` or `[::1]:9092` where the peer is the
   * server, else its address, over all its ports. `null` when there was no packet.
   */
  busiestPeer(labelIndex: number): string | null {
    return this.#peers.busiest(labelIndex);
  }

  #segment(
    at: number,
    record: number,
    family: 4 | 6,
    ip: number,
    transport: number,
    end: number,
    wireBytes: number,
    side: number,
  ): void {
    const view = this.#view;
    const header = tcpHeaderLength(view, transport, end);
    if (header === 0) return;
    const words = this.#records.words;
    const flags = tcpFlagsAt(view, transport);
    const sequence = tcpSequenceAt(view, transport);
    const payload = tcpPayloadLength(view, family, ip, transport, header, end, wireBytes);
    const window = tcpWindowAt(view, transport);
    if (nextInOrder(words, at, side, flags, sequence, payload, window)) return;
    const before = words[at + flowLayout.state];
    const events = segment(words, at, side, flags, sequence, payload, window);
    if (words[at + flowLayout.state] !== before)
      this.#health.change(at, before, words[at + flowLayout.state]);
    if (events === 0) return;
    this.#health.count(at, events);
    if ((events & segmentEvent.restart) !== 0) {
      this.#records.synAt[at / flowLayout.size] = this.#seconds(record);
      words[at + flowLayout.peer] = words[at + flowLayout.peer + 1] = unresolvedPeer;
    }
  }

  #seconds(record: number): number {
    return (
      this.#view.getUint32(record, this.#little) * this.#firstUnit +
      this.#view.getUint32(record + recordLayout.fraction, this.#little) * this.#secondUnit +
      this.#offset
    );
  }

  /** Finds, or makes, the peer that the label at `side` sees at the other side. */
  #resolvePeer(at: number, side: number): number {
    const other = side ^ 1;
    const words = this.#records.words;
    const labelIndex = words[at + flowLayout.label + side];
    const serves = isServer(words, at, side);
    const otherServes = isServer(words, at, other);
    // A label that talks to itself sees the server it talks to, and its bytes once.
    const itself = labelIndex === words[at + flowLayout.label + other];
    const counted = labelIndex >= 0 && (!itself || (side === 0 ? otherServes : !serves));
    let index = noPeer;
    if (counted) {
      const rest = at + (other === 0 ? flowLayout.lowRest : flowLayout.highRest);
      const pair = words[at + flowLayout.ports];
      const port = other === 0 ? pair >>> 16 : pair & 0xffff;
      index = this.#peers.index(
        labelIndex,
        words[at + flowLayout.kind] >>> 8 === 4 ? 4 : 6,
        words[at + flowLayout.address + other],
        words[rest],
        words[rest + 1],
        words[rest + 2],
        otherServes ? port : 0,
      );
    }
    words[at + flowLayout.peer + side] = index;
    return index;
  }

  #movePeers(moved: Int32Array): void {
    const { words, count } = this.#records;
    for (let at = 0; at < count * flowLayout.size; at += flowLayout.size) {
      if (words[at + flowLayout.peer] >= 0)
        words[at + flowLayout.peer] = moved[words[at + flowLayout.peer]];
      if (words[at + flowLayout.peer + 1] >= 0)
        words[at + flowLayout.peer + 1] = moved[words[at + flowLayout.peer + 1]];
    }
  }
}
