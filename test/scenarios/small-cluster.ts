/** Where no redis is installed: a leader that speaks enough of its protocol, and two followers. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { parseReply } from './resp.js';

/** SET, GET and INCRBY, and every write sent on to the followers over the port that clients use. */
export class SmallCluster {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #values = new Map<string, Buffer>();
  readonly #followers = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(followers: number): Promise<SmallCluster> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const cluster = new SmallCluster(server);
    for (let i = 0; i < followers; i++) {
      const follower = connect({ host: '127.0.0.1', port: cluster.port });
      await once(follower, 'connect');
      cluster.#keep(follower);
      follower.resume();
      follower.write('*1\r\n$5\r\nPSYNC\r\n');
    }
    return cluster;
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#followers.delete(socket);
    });
  }

  #serve(socket: Socket): void {
    this.#keep(socket);
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (;;) {
        const parsed = parseReply(bytes, 0);
        if (typeof parsed === 'number') return;
        if (Array.isArray(parsed.reply))
          this.#obey(socket, parsed.reply as Buffer[], bytes.subarray(0, parsed.end));
        bytes = bytes.subarray(parsed.end);
      }
    });
  }

  #obey(socket: Socket, words: readonly Buffer[], wire: Buffer): void {
    const [command, key, value] = [String(words[0]), String(words[1]), words[2]];
    if (command === 'PSYNC') {
      this.#followers.add(socket);
    } else if (command === 'SET' && value !== undefined) {
      this.#values.set(key, Buffer.from(value));
      socket.write('+OK\r\n');
      for (const follower of this.#followers) follower.write(wire);
    } else if (command === 'GET') {
      const found = this.#values.get(key);
      if (found === undefined) socket.write('$-1\r\n');
      else
        socket.write(
          Buffer.concat([Buffer.from(`$${found.length}\r\n`), found, Buffer.from('\r\n')]),
        );
    } else {
      socket.write(`-ERR unknown command ${command}\r\n`);
    }
  }
}
