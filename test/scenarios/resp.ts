/** A small client of redis' protocol, RESP2, that speaks from an address of its own. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type Reply = string | number | Buffer | null | readonly Reply[];

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** One connection. Commands may be pipelined: replies come in order. */
export class RespClient {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #chunks: Buffer[] = [];
  #size = 0;
  /** No reply is whole before that many bytes are there: spares parsing a long one again and again. */
  #needed = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('close', () => this.#fail(new Error('redis closed the connection')));
    socket.on('error', (error) => this.#fail(error));
  }

  /** @param from the local address, or undefined to leave it to the kernel */
  static async connect(host: string, port: number, from?: string): Promise<RespClient> {
    const socket = connect({ host, port, noDelay: true, ...(from ? { localAddress: from } : {}) });
    await once(socket, 'connect');
    return new RespClient(socket);
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Sends one command and resolves to its reply; rejects with redis' own words for an error. */
  command(...words: readonly (string | Buffer)[]): Promise<Reply> {
    const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
    for (const word of words) {
      const bytes = Buffer.from(word);
      parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(Buffer.concat(parts));
    });
  }

  /** Resolves when both sides have said FIN: no packet of this connection is yet to come. */
  async close(): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.end();
    await once(this.#socket, 'close');
  }

  /** Ends the connection by RST, as a client that crashes does. */
  async reset(): Promise<void> {
    this.#socket.resetAndDestroy();
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#needed) return;
    const bytes = Buffer.concat(this.#chunks);
    let at = 0;
    for (;;) {
      const parsed = parseReply(bytes, at);
      if (typeof parsed === 'number') {
        this.#needed = parsed - at;
        break;
      }
      at = parsed.end;
      const waiting = this.#waiting.shift();
      if (parsed.reply instanceof Error) waiting?.reject(parsed.reply);
      else waiting?.resolve(parsed.reply);
    }
    this.#chunks = [bytes.subarray(at)];
    this.#size = bytes.length - at;
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** The value (a reply, or a command as an array) at `at` and where it ends; a number: not whole before the bytes reach that offset. */
export function parseReply(
  bytes: Buffer,
  at: number,
): { reply: Reply | Error; end: number } | number {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return bytes.length + 1;
  const text = bytes.toString('utf8', at + 1, lineEnd);
  const next = lineEnd + 2;
  switch (bytes[at]) {
    case 0x2b: // '+', a simple string
      return { reply: text, end: next };
    case 0x2d: // '-', an error
      return { reply: new Error(text), end: next };
    case 0x3a: // ':', an integer
      return { reply: Number(text), end: next };
    case 0x24: {
      // '$', a bulk string; -1 is null
      const length = Number(text);
      if (length < 0) return { reply: null, end: next };
      const end = next + length + 2;
      if (end > bytes.length) return end;
      return { reply: bytes.subarray(next, next + length), end };
    }
    case 0x2a: {
      // '*', an array; -1 is null
      if (Number(text) < 0) return { reply: null, end: next };
      const replies: Reply[] = [];
      let end = next;
      while (replies.length < Number(text)) {
        const part = parseReply(bytes, end);
        if (typeof part === 'number') return part;
        if (part.reply instanceof Error) return { reply: part.reply, end: part.end };
        replies.push(part.reply);
        end = part.end;
      }
      return { reply: replies, end };
    }
    default:
      return { reply: new Error(`not RESP: ${text.slice(0, 20)}`), end: bytes.length };
  }
}
