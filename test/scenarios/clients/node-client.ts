/** A client for the tests: net, http, fetch, udp or sendto, HOST, PORT. Prints what the peer says. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect, isIPv6 } from 'node:net';
import { text } from 'node:stream/consumers';

async function ask(kind: string, host: string, port: number): Promise<string> {
  switch (kind) {
    case 'net': {
      const socket = connect({ host, port });
      socket.write('who\n');
      return text(socket);
    }
    case 'http': {
      const [response] = (await once(get({ host, port }), 'response')) as [IncomingMessage];
      return text(response);
    }
    case 'fetch':
      return (await fetch(`http://${host}:${port}/`)).text();
    default: {
      const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
      const answer = once(socket, 'message');
      if (kind === 'udp') {
        socket.connect(port, host);
        await once(socket, 'connect');
        socket.send('who\n');
      } else {
        socket.send('who\n', port, host);
      }
      const [message] = (await answer) as [Buffer];
      socket.close();
      return message.toString();
    }
  }
}

const [kind, host, port] = process.argv.slice(2);
process.stdout.write(await ask(kind, host, Number(port)));
