/**
 * An HTTP server that answers after 20 ms with "Connection: close" and leaves closing to the client,
 * whose ports then wait: `close-server.js PORT…`. Says "listening".
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

function serve(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.once('data', () => {
    setTimeout(() => socket.write(answer), 20);
  });
}

for (const port of process.argv.slice(2)) {
  await once(createServer(serve).listen(Number(port), '127.0.0.1', 4096), 'listening');
}
process.stdout.write('listening\n');
