/** Which end of a flow is the server. */
import { flowLayout, flowState } from './flow-layout.js';

/** Linux's ip_local_port_range: a port in here is likely a client's. */
const firstEphemeral = 32_768;
const lastEphemeral = 60_999;

export function isEphemeral(port: number): boolean {
  return port >= firstEphemeral && port <= lastEphemeral;
}

/**
 * Whether this side of the flow at `at` is the server: it got the SYN; where none was seen, its port is
 * the one that is not ephemeral, else the lower. With equal ports both sides are.
 */
export function isServer(words: Int32Array, at: number, side: number): boolean {
  const bits = words[at + flowLayout.state];
  if ((bits & (flowState.server | (flowState.server << 1))) !== 0) {
    return (bits & (flowState.server << side)) !== 0;
  }
  const pair = words[at + flowLayout.ports];
  const low = pair >>> 16;
  const high = pair & 0xffff;
  if (low === high) return true;
  return side === (isEphemeral(low) && !isEphemeral(high) ? 1 : 0);
}
