/** One TCP connection's state, told from its headers alone. */
import { tcpFlags } from '../packet/tcp.js';
import { flowLayout, flowState } from './flow-layout.js';

/** What one segment brought about; 0 is nothing to count. */
export enum segmentEvent {
  retransmission = 1,
  reset = 2,
  /** The record stands for a new connection (the first, or the ports were reused). */
  restart = 4,
}

/** A difference beyond the largest window there is (RFC 7323, section 2.3) is another connection. */
const largestWindow = 1 << 30;

/**
 * Moves the record at `at` on by one segment (RFC 9293, section 3.3.2, as seen from the wire).
 *
 * A retransmission is a segment that carries payload, a SYN or a FIN, none of it beyond what its
 * side had sent before. Keep-alives and zero-window probes are none (RFC 9293, 3.8.4 and 3.8.6.1).
 *
 * @param side 0 or 1: which end sent it
 * @param sequence any 32-bit representation
 * @param payload bytes on the wire
 * @returns bits of `segmentEvent`
 */
export function segment(
  words: Int32Array,
  at: number,
  side: number,
  flags: number,
  sequence: number,
  payload: number,
  window: number,
): number {
  let state = words[at + flowLayout.state];
  if ((flags & tcpFlags.rst) !== 0) {
    state &= ~(flowState.pending | flowState.open);
    words[at + flowLayout.state] = state | flowState.closed;
    return segmentEvent.reset;
  }
  let events = 0;
  let length = payload;
  if ((flags & tcpFlags.syn) !== 0) {
    length += 1;
    if (startsAnew(words, at, side, flags, sequence)) {
      state = 0;
      events = segmentEvent.restart;
    }
    state = afterSyn(state, side, flags);
    words[at + flowLayout.initial + side] = sequence;
  } else if ((state & (flowState.open | flowState.closed)) === 0) {
    // The capture began in the middle, or the SYN-ACK was lost to it. A bare ACK proves little: it
    // may end a connection, or be the challenge to a SYN that a live connection gets (RFC 5961).
    const confirmed = (state & (flowState.synSeen << side)) !== 0 && (flags & tcpFlags.ack) !== 0;
    if (payload > 0 || confirmed) state = (state & ~flowState.pending) | flowState.open;
  }
  if ((flags & tcpFlags.fin) !== 0) {
    length += 1;
    state |= flowState.fin << side;
    const both = flowState.fin | (flowState.fin << 1);
    if ((state & both) === both) {
      state = (state & ~(flowState.pending | flowState.open)) | flowState.closed;
    }
  }
  if ((flags & tcpFlags.ack) !== 0) {
    if (window === 0) state |= flowState.zeroWindow << side;
    else state &= ~(flowState.zeroWindow << side);
  }

  const next = words[at + flowLayout.next + side];
  const beyond = (sequence + length - next) | 0;
  if ((state & (flowState.known << side)) === 0 || beyond < -largestWindow) {
    state |= flowState.known << side;
    words[at + flowLayout.next + side] = sequence + length;
  } else if (beyond > 0) {
    if (!isProbe(state, side, payload, length, beyond)) {
      words[at + flowLayout.next + side] = sequence + length;
    }
  } else if (length > 0 && !isProbe(state, side, payload, length, beyond)) {
    events |= segmentEvent.retransmission;
  }
  words[at + flowLayout.state] = state;
  return events;
}

/**
 * The same for what nearly every segment is: no flag but ACK and PSH, a window, next in order, in an open
 * connection. Gives whether it was that; else nothing is done.
 */
export function nextInOrder(
  words: Int32Array,
  at: number,
  side: number,
  flags: number,
  sequence: number,
  payload: number,
  window: number,
): boolean {
  if ((flags | tcpFlags.psh) !== (tcpFlags.psh | tcpFlags.ack) || window === 0) return false;
  const state = words[at + flowLayout.state];
  const needed = flowState.open | (flowState.known << side);
  if ((state & (needed | (flowState.zeroWindow << side))) !== needed) return false;
  if (words[at + flowLayout.next + side] !== sequence) return false;
  words[at + flowLayout.next + side] = sequence + payload;
  return true;
}

/** Whether a SYN, with or without ACK, belongs to another connection than the record's. */
function startsAnew(
  words: Int32Array,
  at: number,
  side: number,
  flags: number,
  sequence: number,
): boolean {
  const state = words[at + flowLayout.state];
  if ((state & (flowState.synSeen << side)) !== 0) {
    return words[at + flowLayout.initial + side] !== (sequence | 0);
  }
  const otherSyn = (state & (flowState.synSeen << (side ^ 1))) !== 0;
  // Without ACK: a simultaneous open, which answers the other side's SYN, or a new connection.
  if ((flags & tcpFlags.ack) === 0) return (state & flowState.pending) === 0;
  // With ACK: the answer to the SYN that was seen, unless that connection is over.
  return !otherSyn || (state & flowState.closed) !== 0;
}

function afterSyn(state: number, side: number, flags: number): number {
  const alone = (state & (flowState.synSeen << (side ^ 1))) === 0;
  const settled = (state & (flowState.open | flowState.closed)) !== 0;
  state |= flowState.synSeen << side;
  if ((flags & tcpFlags.ack) !== 0) state |= flowState.server << side;
  else if (alone) state |= flowState.server << (side ^ 1);
  if (settled) return state;
  if (alone && (flags & tcpFlags.ack) === 0) return state | flowState.pending;
  return (state & ~flowState.pending) | flowState.open;
}

/**
 * A keep-alive repeats the last byte; a zero-window probe is one byte that the other side has said
 * it has no room for, repeated until it has.
 */
function isProbe(
  state: number,
  side: number,
  payload: number,
  length: number,
  beyond: number,
): boolean {
  if (payload !== 1 || length !== 1) return false;
  if (beyond === 0) return true;
  return beyond === 1 && (state & (flowState.zeroWindow << (side ^ 1))) !== 0;
}
