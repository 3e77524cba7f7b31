/** Packets as Linux lays them into a memory-mapped ring: blocks of TPACKET_V3 (packet_mmap.rst). */
import { LbcapError } from '../errors.js';
import { recordLayout } from '../packet/batch.js';

/** struct tpacket_block_desc with its tpacket_hdr_v1 (<linux/if_packet.h>), in host byte order. */
export enum blockLayout {
  version = 0,
  /** Whose the block is: the kernel's while 0. */
  status = 8,
  packets = 12,
  /** From the block's start. */
  firstFrame = 16,
  /** Bytes of the block that are used, this header included. */
  length = 20,
  /** 64 bits: counts the blocks from 1. */
  sequence = 24,
  size = 48,
}

/** struct tpacket3_hdr. Behind it a sockaddr_ll, then the packet at `mac`. */
export enum frameLayout {
  next = 0,
  seconds = 4,
  nanoseconds = 8,
  captured = 12,
  original = 16,
  status = 20,
  /** 16 bits, from the frame's start. */
  mac = 24,
  vlanTag = 32,
  /** 16 bits. */
  vlanProtocol = 36,
  size = 48,
  /** 8 bits, of the sockaddr_ll. */
  packetType = 58,
}

/** PACKET_OUTGOING (packet(7)): a packet of the loopback on its way out, which comes in at once. */
export const packetOutgoing = 4;

/** TP_STATUS_… */
export enum frameStatus {
  kernel = 0,
  user = 1,
  vlan = 1 << 4,
  vlanProtocol = 1 << 6,
}

/** A frame is no shorter: header and sockaddr_ll, each aligned to 16 bytes. */
const smallestFrame = 80;

const ethernetAddresses = 12;
const vlanTagSize = 4;
const defaultVlanProtocol = 0x8100;

/** How many packets a block of so many bytes can hold. */
export function mostPackets(blockSize: number): number {
  return Math.ceil(blockSize / smallestFrame);
}

/**
 * Bytes of a block that are used, its header included.
 * @throws CAPTURE_FAILED where it says more than it can hold
 */
export function usedLength(view: DataView, block: number, blockSize: number): number {
  const length = view.getUint32(block + blockLayout.length, true);
  if (length > blockSize) throw corrupt(`a block of ${length} bytes`);
  return length;
}

/**
 * Finds the Ethernet packets of one block and gives each a record header in the bytes before it, where
 * the kernel's link-level address was: what libpcap hands out, and nothing is moved. As libpcap does, a
 * VLAN tag that the kernel keeps apart is put back where it was on the wire, and outgoing copies are left
 * out: there are some from before PACKET_IGNORE_OUTGOING was set.
 *
 * @param block arena offset of a block that is ours until it is given back
 * @param snaplen no more than so many bytes of a packet
 * @param starts gets the offset of each record's header
 * @returns how many packets
 * @throws CAPTURE_FAILED where the block's offsets lead out of it
 */
export function readBlock(
  view: DataView,
  block: number,
  blockSize: number,
  snaplen: number,
  nanoseconds: boolean,
  starts: Int32Array,
): number {
  const count = view.getInt32(block + blockLayout.packets, true);
  const last = block + blockSize;
  // Exact for all below 10^9: this double is above 1/1000 by less than any remainder needs.
  const scale = nanoseconds ? 1 : 0.001;
  if (count >>> 0 > starts.length) throw corrupt(`${count >>> 0} packets`);
  const outgoing = packetOutgoing;
  let kept = 0;
  let frame = block + view.getInt32(block + blockLayout.firstFrame, true);
  for (let index = 0; index < count; index++) {
    if (frame < block + blockLayout.size || frame + frameLayout.size > last) {
      throw corrupt(`a packet at ${frame - block}`);
    }
    let captured = view.getInt32(frame + frameLayout.captured, true);
    let original = view.getInt32(frame + frameLayout.original, true);
    const mac = view.getUint16(frame + frameLayout.mac, true);
    let record = frame + mac - recordLayout.size;
    if (record < frame + frameLayout.size || captured >>> 0 > last - frame - mac) {
      throw corrupt(`a packet of ${captured >>> 0} bytes`);
    }
    const status = view.getInt32(frame + frameLayout.status, true);
    if ((status & frameStatus.vlan) !== 0 && captured >= ethernetAddresses) {
      record -= vlanTagSize;
      putTagBack(view, frame, record + recordLayout.size, status);
      captured += vlanTagSize;
      original += vlanTagSize;
    }
    if (captured > snaplen) captured = snaplen;
    const fraction = (view.getInt32(frame + frameLayout.nanoseconds, true) * scale) | 0;
    view.setInt32(record, view.getInt32(frame + frameLayout.seconds, true), true);
    view.setInt32(record + recordLayout.fraction, fraction, true);
    view.setInt32(record + recordLayout.capturedLength, captured, true);
    view.setInt32(record + recordLayout.originalLength, original, true);
    starts[kept] = record;
    // Without a branch.
    kept += view.getUint8(frame + frameLayout.packetType) === outgoing ? 0 : 1;
    frame += view.getInt32(frame + frameLayout.next, true);
  }
  return kept;
}

/** @param packet where the packet is to begin: its addresses move there, and the tag follows them */
function putTagBack(view: DataView, frame: number, packet: number, status: number): void {
  for (let at = packet; at < packet + ethernetAddresses; at += 4) {
    view.setInt32(at, view.getInt32(at + vlanTagSize));
  }
  view.setUint16(
    packet + ethernetAddresses,
    (status & frameStatus.vlanProtocol) === 0
      ? defaultVlanProtocol
      : view.getUint16(frame + frameLayout.vlanProtocol, true),
  );
  view.setUint16(packet + ethernetAddresses + 2, view.getUint32(frame + frameLayout.vlanTag, true));
}

function corrupt(what: string): LbcapError {
  return new LbcapError('CAPTURE_FAILED', `the kernel's packet ring makes no sense (${what})`);
}
