/** Sockets that never were, in the ways that the kernel tells of them. */
import { tcpStateNumber, type SocketVisitor, type TcpState } from '../../src/native/tcp-socket.js';
import { parseAddress, bytesOf, formatAddress } from '../../src/labels/address.js';

export interface Tale {
  /** `127.0.0.2:40000`, `[::1]:9092`. */
  readonly local: string;
  readonly remote: string;
  readonly state: TcpState;
  /** Milliseconds left in TIME_WAIT. */
  readonly expires?: number;
}

interface Ends {
  readonly family: 4 | 6;
  readonly address: Uint8Array;
  readonly port: number;
}

function endOf(text: string): Ends {
  const colon = text.lastIndexOf(':');
  const address = parseAddress(text.slice(0, colon).replace(/^\[|\]$/g, ''));
  if (address === null) throw new Error(text);
  const { family, value } = address;
  return { family, address: bytesOf(family, value), port: Number(text.slice(colon + 1)) };
}

/** struct inet_diag_msg behind struct nlmsghdr, by the offsets of the headers. */
export function diagMessage({ local, remote, state, expires = 0 }: Tale, extra = 0): Buffer {
  const [from, to] = [endOf(local), endOf(remote)];
  const bytes = Buffer.alloc(16 + 72 + extra);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(20, 4);
  bytes[16] = from.family === 4 ? 2 : 10;
  bytes[17] = tcpStateNumber(state);
  bytes[18] = state === 'TIME_WAIT' ? 3 : 1;
  bytes.writeUInt16BE(from.port, 20);
  bytes.writeUInt16BE(to.port, 22);
  bytes.set(from.address, 24);
  bytes.set(to.address, 40);
  bytes.writeUInt32LE(state === 'TIME_WAIT' ? expires : 12_345, 68);
  return bytes;
}

/** NLMSG_DONE, or NLMSG_ERROR with an errno. */
export function diagEnd(errno = 0, type = errno === 0 ? 3 : 2): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32LE(20, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeInt32LE(-errno, 16);
  return bytes;
}

/** A line of /proc/net/tcp or tcp6, as get_tcp4_sock() and get_tcp6_sock() print it. */
export function procLine({ local, remote, state, expires = 0 }: Tale, number = 0): string {
  const hex = (value: number, digits: number) =>
    value.toString(16).toUpperCase().padStart(digits, '0');
  const end = ({ address, port }: Ends) => {
    const words = Buffer.from(address);
    let text = '';
    for (let i = 0; i < words.length; i += 4) text += hex(words.readUInt32LE(i), 8);
    return `${text}:${hex(port, 4)}`;
  };
  const timer = state === 'TIME_WAIT' ? `03:${hex(expires / 10, 8)}` : '00:00000000';
  return (
    `${String(number).padStart(4)}: ${end(endOf(local))} ${end(endOf(remote))} ` +
    `${hex(tcpStateNumber(state), 2)} 00000000:00000000 ${timer} 00000000     0        0 0 3 0000000000000000\n`
  );
}

export const procTitle =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

/** Collects what a visitor is shown. */
export function collector(): { visit: SocketVisitor; seen: string[] } {
  const seen: string[] = [];
  const end = (family: 4 | 6, view: DataView, at: number, port: number) => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at, family === 4 ? 4 : 16);
    const text = formatAddress(bytes);
    return family === 4 ? `${text}:${port}` : `[${text}]:${port}`;
  };
  return {
    seen,
    visit({ family, view, local, localPort, remote, remotePort, state, expires }) {
      const ends = `${end(family, view, local, localPort)} ${end(family, view, remote, remotePort)}`;
      seen.push(`${ends} ${state} ${expires}`);
    },
  };
}

/** Of both families, IPv4 inside IPv6 among them; and what a collector makes of them. */
export const tales: readonly Tale[] = [
  { local: '127.0.0.2:40000', remote: '127.0.0.1:9092', state: 'ESTABLISHED' },
  { local: '127.0.0.2:40001', remote: '127.0.0.1:9092', state: 'TIME_WAIT', expires: 59_990 },
  { local: '0.0.0.0:9092', remote: '0.0.0.0:0', state: 'LISTEN' },
];
export const tales6: readonly Tale[] = [
  { local: '[::1]:40000', remote: '[::1]:9092', state: 'SYN_SENT' },
  { local: '[::ffff:127.0.0.2]:40002', remote: '[::ffff:127.0.0.1]:9092', state: 'CLOSE_WAIT' },
  { local: '[::]:9092', remote: '[::]:0', state: 'LISTEN' },
  { local: '[::ffff:127.0.0.2]:9093', remote: '[::]:0', state: 'LISTEN' },
];
export const seen = [
  '127.0.0.2:40000 127.0.0.1:9092 1 0',
  '127.0.0.2:40001 127.0.0.1:9092 6 59990',
  '0.0.0.0:9092 0.0.0.0:0 10 0',
];
export const seen6 = [
  '[::1]:40000 [::1]:9092 2 0',
  '127.0.0.2:40002 127.0.0.1:9092 8 0',
  '[::]:9092 [::]:0 10 0',
  '127.0.0.2:9093 0.0.0.0:0 10 0',
];
