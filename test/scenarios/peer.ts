/** A server that tells each client which address it speaks from, over TCP, HTTP and UDP. */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Peer {
  readonly port: number;
  readonly #servers: readonly Server[];
  readonly #sockets: readonly DatagramSocket[];

  private constructor(
    port: number,
    servers: readonly Server[],
    sockets: readonly DatagramSocket[],
  ) {
    this.port = port;
    this.#servers = servers;
    this.#sockets = sockets;
  }

  /** On 127.0.0.1 and ::1, each alone, TCP and UDP on the same port. */
  static async start(): Promise<Peer> {
    const first = await listen('127.0.0.1', 0);
    const { port } = first.address() as AddressInfo;
    const servers = [first, await listen('::1', port)];
    const sockets = [createSocket('udp4'), createSocket({ type: 'udp6', ipv6Only: true })];
    for (const [index, socket] of sockets.entries()) {
      socket.on('message', (_, from) => {
        socket.send(`${from.address}\n`, from.port, from.address);
      });
      socket.bind(port, index === 0 ? '127.0.0.1' : '::1');
      await once(socket, 'listening');
    }
    return new Peer(port, servers, sockets);
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.close();
  }
}

async function listen(host: string, port: number): Promise<Server> {
  const server = createServer(answer);
  server.listen({ host, port, ipv6Only: true });
  await once(server, 'listening');
  return server;
}

/** Who does not ask, as a load generator, is kept until it leaves. */
function answer(socket: Socket): void {
  const address = socket.remoteAddress ?? 'gone';
  socket.on('error', () => undefined);
  socket.once('data', (question) => {
    const body = `${address}\n`;
    const http = question.toString('latin1').startsWith('GET ');
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    socket.end(http ? head + body : body);
  });
}
