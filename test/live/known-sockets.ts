/** A program that opens sockets in known states, prints "ready", and holds them until it is killed. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket, type TcpNetConnectOpts } from 'node:net';

const kept: (Socket | Server)[] = [];

async function listen(host: string, port: number): Promise<void> {
  const server = createServer((socket) => {
    kept.push(socket);
    socket.on('error', () => undefined);
    // One who asks for it is left first.
    socket.on('data', () => socket.end());
  });
  server.listen({ host, port, backlog: 1000, ipv6Only: true });
  await once(server, 'listening');
  kept.push(server);
}

async function open(count: number, options: TcpNetConnectOpts): Promise<Socket[]> {
  const sockets = [];
  for (let i = 0; i < count; i += 1) {
    const socket = connect(options);
    await once(socket, 'connect');
    kept.push(socket);
    sockets.push(socket);
  }
  return sockets;
}

await listen('0.0.0.0', 9000);
await listen('::1', 9000);
// At every address: a client that binds before it connects could have the port at another one.
await listen('0.0.0.0', 40_001);
await listen('::', 40_001);
await listen('127.0.0.5', 9001);
await open(5, { host: '127.0.0.1', port: 9000, localAddress: '127.0.0.2' });
await open(2, { host: '127.0.0.1', port: 9000, localAddress: '127.0.0.2', localPort: 0 });
await open(3, { host: '127.0.0.5', port: 40_001, localAddress: '127.0.0.2' });
for (const socket of await open(4, { host: '127.0.0.1', port: 9000, localAddress: '127.0.0.3' })) {
  socket.end();
}
for (const socket of await open(3, {
  host: '127.0.0.1',
  port: 9000,
  localAddress: '127.0.0.4',
  allowHalfOpen: true,
})) {
  socket.write('leave me');
}
await open(2, { host: '::ffff:127.0.0.1', port: 9000, localAddress: '::ffff:127.0.0.6' });
await open(2, { host: '::1', port: 9000, localAddress: '::1' });
// A port of one's own, outside the range.
await open(1, { host: '127.0.0.1', port: 9000, localAddress: '127.0.0.2', localPort: 1234 });
process.stdout.write('ready\n');
setInterval(() => undefined, 1000);
