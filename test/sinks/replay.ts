/** Feeds a capture file to a flow table, the way classify does. */
import { FlowTable } from '../../src/sinks/flows.js';

export interface Replay {
  readonly table: FlowTable;
  /** Seconds of the last packet. */
  readonly last: number;
}

/**
 * @param file little-endian, microseconds, Ethernet, no VLAN tags and no extension headers
 * @param labels addresses; the index is the label's
 */
export function replay(
  file: Uint8Array,
  labels: readonly (readonly number[])[],
  options: { maximumFlows?: number; until?: number } = {},
): Replay {
  // A copy that begins at 0, even of a Buffer from the pool.
  const bytes = new Uint8Array(file);
  const view = new DataView(bytes.buffer);
  const { maximumFlows, until = Infinity } = options;
  const table = new FlowTable({
    view,
    labels: labels.length,
    ...(maximumFlows === undefined ? {} : { maximumFlows }),
  });
  const labelAt = (offset: number, size: number): number =>
    labels.findIndex(
      (address) =>
        address.length === size && address.every((byte, i) => bytes[offset + i] === byte),
    );
  let last = 0;
  table.begin({ linkType: 1, bigEndian: false, nanoseconds: false });
  for (let at = 24; at < bytes.length;) {
    const seconds = view.getUint32(at, true) + view.getUint32(at + 4, true) / 1e6;
    const captured = view.getUint32(at + 8, true);
    const record = at;
    const frame = at + 16;
    at = frame + captured;
    if (seconds > until) break;
    last = seconds;
    const ip = frame + 14;
    const four = view.getUint16(frame + 12) === 0x0800;
    if (!four && view.getUint16(frame + 12) !== 0x86dd) continue;
    const source = labelAt(ip + (four ? 12 : 8), four ? 4 : 16);
    const destination = labelAt(ip + (four ? 16 : 24), four ? 4 : 16);
    if (source < 0 && destination < 0) continue;
    const protocol = view.getUint8(ip + (four ? 9 : 6));
    const header = four ? (view.getUint8(ip) & 15) * 4 : 40;
    const transport = [6, 17, 132].includes(protocol) && ip + header + 4 <= at ? ip + header : 0;
    table.packet(record, four ? 4 : 6, ip, protocol, transport, at, source, destination);
    table.end(record);
  }
  return { table, last };
}
