/** The lines of /proc/net/tcp and /proc/net/tcp6 (proc_pid_net(5)): bytes in, sockets out. */
import { endianness } from 'node:os';
import { LbcapError } from '../errors.js';
import {
  blankSocket,
  tcpStateNumber,
  unmapSocket,
  type SocketVisitor,
} from '../native/tcp-socket.js';

/** Hex digits of an address. */
const addressDigits = { 4: 8, 6: 32 } as const;
/** Of a field that holds two 32-bit numbers: `tx_queue rx_queue`. */
const queues = 17;
/** Times are counted in hundredths of a second: USER_HZ. */
const tick = 10;
/** No line is longer; a line that is, is none. */
const longestLine = 512;

const [space, colon, lineFeed] = [0x20, 0x3a, 0x0a];
const littleEndian = endianness() === 'LE';
const timeWait = tcpStateNumber('TIME_WAIT');

/** Takes a file of one family piece by piece. */
export class ProcNetTcpParser {
  readonly #family: 4 | 6;
  readonly #visit: SocketVisitor;
  readonly #view = new DataView(new ArrayBuffer(32));
  readonly #socket = blankSocket(this.#view);
  #rest = Buffer.alloc(0);
  #line = 0;

  constructor(family: 4 | 6, visit: SocketVisitor) {
    this.#family = family;
    this.#visit = visit;
  }

  /** @throws LbcapError `INPUT_DAMAGED` for what is no such file */
  push(bytes: Uint8Array): void {
    const piece = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    let start = 0;
    for (;;) {
      const end = piece.indexOf(lineFeed, start);
      if (end === -1) break;
      // The first line has titles.
      if (this.#line > 0) this.#read(piece, start, end);
      this.#line += 1;
      start = end + 1;
    }
    if (piece.length - start > longestLine) throw this.#damaged();
    this.#rest = piece.subarray(start);
  }

  /** @throws LbcapError `INPUT_DAMAGED` when the last line is cut */
  end(): void {
    if (this.#rest.length > 0) throw this.#damaged();
  }

  /** `  12: 0100007F:1F90 0200007F:9C41 06 00000000:00000000 03:00000F8E 00000000 …` */
  #read(bytes: Uint8Array, start: number, end: number): void {
    const socket = this.#socket;
    const digits = addressDigits[this.#family];
    let at = bytes.indexOf(colon, start) + 2;
    const needed = 2 * (digits + 6) + 2 + 1 + queues + 1 + 2 + 1 + 8;
    if (at < start + 2 || end - at < needed) throw this.#damaged();
    socket.family = this.#family;
    socket.local = 0;
    this.#address(bytes, at, socket.local);
    this.#expect(bytes, (at += digits), colon);
    socket.localPort = this.#hex(bytes, at + 1, 4);
    this.#expect(bytes, (at += 5), space);
    socket.remote = digits / 2;
    this.#address(bytes, at + 1, socket.remote);
    this.#expect(bytes, (at += 1 + digits), colon);
    socket.remotePort = this.#hex(bytes, at + 1, 4);
    this.#expect(bytes, (at += 5), space);
    socket.state = this.#hex(bytes, at + 1, 2);
    this.#expect(bytes, (at += 3), space);
    this.#expect(bytes, (at += 1 + queues), space);
    this.#expect(bytes, at + 3, colon);
    socket.expires = socket.state === timeWait ? tick * this.#hex(bytes, at + 4, 8) : 0;
    if (socket.family === 6) unmapSocket(socket);
    this.#visit(socket);
  }

  /** Each 32 bits of an address are written as a number of this machine's. */
  #address(bytes: Uint8Array, at: number, to: number): void {
    for (let i = 0; i < addressDigits[this.#family]; i += 8) {
      this.#view.setUint32(to + i / 2, this.#hex(bytes, at + i, 8), littleEndian);
    }
  }

  #hex(bytes: Uint8Array, at: number, digits: number): number {
    let value = 0;
    for (let i = at; i < at + digits; i += 1) {
      const code = bytes[i];
      // 0-9, A-F: the kernel writes capitals.
      const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : code - 0x37;
      if (!(digit >= 0 && digit < 16) || (code > 0x39 && code < 0x41)) throw this.#damaged();
      value = value * 16 + digit;
    }
    return value;
  }

  #expect(bytes: Uint8Array, at: number, code: number): void {
    if (bytes[at] !== code) throw this.#damaged();
  }

  #damaged(): LbcapError {
    const file = this.#family === 4 ? 'tcp' : 'tcp6';
    return new LbcapError('INPUT_DAMAGED', `line ${this.#line + 1} of /proc/net/${file} is none`);
  }
}
