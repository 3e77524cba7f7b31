/** What a hop's record holds besides the flow's own words: times and counts, in arrays that grow with it. */
import { formatAddress } from '../labels/address.js';
import { protocols } from '../packet/ip.js';
import { flowLayout, flowState } from '../sinks/flow-layout.js';
import type { FlowRecords } from '../sinks/flow-records.js';
import { isEphemeral } from '../sinks/server-side.js';
import type { Ending, Hop, HopEnd } from './hop.js';

const { address, ports, kind, lowRest, highRest, label, state, size } = flowLayout;

/** Doubles of a hop. Those in pairs are `field + side`, as in the flow's own record. */
const layout = {
  first: 0,
  last: 1,
  packets: 2,
  bytes: 4,
  retransmissions: 6,
  resets: 7,
  size: 8,
} as const;

/** Bits about a hop; the one in pairs is `bit << side`. */
const fact = {
  /** Side 1 sent the first packet. */
  firstIsHigh: 1 << 0,
  /** In pairs: this side has reset it before it was closed. */
  resetBy: 1 << 1,
  /** The reset met a SYN that nobody had answered. */
  refused: 1 << 3,
} as const;

export class HopRecords {
  readonly #flows: FlowRecords;
  #numbers = new Float64Array(0);
  #facts = new Uint8Array(0);

  constructor(flows: FlowRecords) {
    this.#flows = flows;
  }

  /** Whether a packet has come since the record was begun. */
  isBegun(at: number): boolean {
    const hop = (at / size) * layout.size;
    return this.#numbers[hop + layout.packets] + this.#numbers[hop + layout.packets + 1] > 0;
  }

  /** Empties a flow's record for a new hop. @param side which sends its first packet */
  begin(at: number, side: number, time: number): void {
    const needed = this.#flows.synAt.length;
    if (this.#facts.length < needed) {
      const numbers = new Float64Array(needed * layout.size);
      numbers.set(this.#numbers);
      const facts = new Uint8Array(needed);
      facts.set(this.#facts);
      this.#numbers = numbers;
      this.#facts = facts;
    }
    const hop = (at / size) * layout.size;
    this.#numbers.fill(0, hop, hop + layout.size);
    this.#numbers[hop + layout.first] = this.#numbers[hop + layout.last] = time;
    this.#facts[at / size] = side === 1 ? fact.firstIsHigh : 0;
  }

  /** One packet more. */
  count(at: number, side: number, time: number, bytes: number): void {
    const numbers = this.#numbers;
    const hop = (at / size) * layout.size;
    // Captures of several processors are not always in order.
    if (time > numbers[hop + layout.last]) numbers[hop + layout.last] = time;
    numbers[hop + layout.packets + side]++;
    numbers[hop + layout.bytes + side] += bytes;
  }

  retransmission(at: number): void {
    this.#numbers[(at / size) * layout.size + layout.retransmissions]++;
  }

  /** A segment with RST. @param before the flow's state before it */
  reset(at: number, side: number, before: number): void {
    this.#numbers[(at / size) * layout.size + layout.resets]++;
    // Behind both FINs it ends nothing, and behind another RST neither.
    if ((before & flowState.closed) !== 0) return;
    this.#facts[at / size] |= fact.resetBy << side;
    if ((before & flowState.pending) !== 0) this.#facts[at / size] |= fact.refused;
  }

  /** What the record has come to. @param bits the flow's state */
  hop(at: number, bits: number = this.#flows.words[at + state]): Hop {
    const { words } = this.#flows;
    const numbers = this.#numbers;
    const hop = (at / size) * layout.size;
    const number = words[at + kind] & 0xff;
    const protocol = number === protocols.TCP ? 'tcp' : number === protocols.UDP ? 'udp' : 'sctp';
    const facts = this.#facts[at / size];
    const sender = (facts & fact.firstIsHigh) !== 0 ? 1 : 0;
    const client = this.#client(at, bits, sender);
    const server = client ^ 1;
    const traffic = (side: number) => ({
      packets: numbers[hop + layout.packets + side],
      bytes: numbers[hop + layout.bytes + side],
    });
    const ways = traffic(0).packets > 0 && traffic(1).packets > 0 ? 'both ways' : 'one way';
    const { ending, by } =
      protocol === 'tcp' ? tcpEnding(bits, facts) : { ending: ways as Ending, by: -1 };
    return {
      protocol,
      from: this.#end(at, client),
      to: this.#end(at, server),
      complete:
        protocol === 'tcp' ? (bits & (flowState.synSeen << client)) !== 0 : sender === client,
      start: numbers[hop + layout.first],
      duration: numbers[hop + layout.last] - numbers[hop + layout.first],
      out: traffic(client),
      in: traffic(server),
      retransmissions: numbers[hop + layout.retransmissions],
      resets: numbers[hop + layout.resets],
      ending,
      endedBy: by < 0 ? null : by === client ? 'from' : 'to',
    };
  }

  /** Who got no SYN; else whose port is the only ephemeral one; else who sent the first packet. */
  #client(at: number, bits: number, sender: number): number {
    if ((bits & flowState.server) !== 0) return 1;
    if ((bits & (flowState.server << 1)) !== 0) return 0;
    const pair = this.#flows.words[at + ports];
    const isLowEphemeral = isEphemeral(pair >>> 16);
    if (isLowEphemeral === isEphemeral(pair & 0xffff)) return sender;
    return isLowEphemeral ? 0 : 1;
  }

  #end(at: number, side: number): HopEnd {
    const { words } = this.#flows;
    const bytes = new Uint8Array(words[at + kind] >>> 8 === 4 ? 4 : 16);
    const view = new DataView(bytes.buffer);
    // Words are as `readKey` took them: little-endian.
    view.setInt32(0, words[at + address + side], true);
    const rest = at + (side === 0 ? lowRest : highRest);
    for (let word = 1; word < bytes.length / 4; word++) {
      view.setInt32(4 * word, words[rest + word - 1], true);
    }
    const pair = words[at + ports];
    return {
      address: formatAddress(bytes),
      port: side === 0 ? pair >>> 16 : pair & 0xffff,
      label: words[at + label + side],
    };
  }
}

/** @returns the side that ended it, -1 for none or both */
function tcpEnding(bits: number, facts: number): { ending: Ending; by: number } {
  const low = (facts & fact.resetBy) !== 0;
  if (low || (facts & (fact.resetBy << 1)) !== 0) {
    return { ending: (facts & fact.refused) !== 0 ? 'refused' : 'reset', by: low ? 0 : 1 };
  }
  if ((bits & flowState.pending) !== 0) return { ending: 'unanswered', by: -1 };
  const lowFin = (bits & flowState.fin) !== 0;
  const highFin = (bits & (flowState.fin << 1)) !== 0;
  if (lowFin && highFin) return { ending: 'closed', by: -1 };
  if (lowFin || highFin) return { ending: 'half-closed', by: lowFin ? 0 : 1 };
  return { ending: 'open', by: -1 };
}
