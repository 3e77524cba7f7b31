/** The client programs of the matrix: how each is made, and called for each way to a server. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { hasProgram } from '../requirements.js';

export const transports = ['127.0.0.1', 'localhost', '::1', 'UDP connected', 'UDP sendto'] as const;
export type Transport = (typeof transports)[number];

export interface ClientProgram {
  readonly name: string;
  /** Programs without which it cannot be run here. */
  readonly needs: readonly string[];
  /** Makes it in a directory. */
  readonly build?: (directory: string) => void;
  /** The command for a way to the peer; `null` where the program has no such way. */
  readonly words: (
    transport: Transport,
    port: number,
    directory: string,
  ) => readonly string[] | null;
  /** It binds before it connects, and so takes --rebind. */
  readonly bindsFirst?: readonly Transport[];
  /** Its datagrams go by sendmsg(2), which seccomp is not asked about; it binds first, too. */
  readonly sendsByMessage?: true;
}

const sources = resolve('test/scenarios/clients');

function hostOf(transport: Transport): string {
  return transport.startsWith('UDP') ? '127.0.0.1' : transport;
}

/** A program whose first word says the way. */
function byWord(
  command: (directory: string) => readonly string[],
  ways: Readonly<Partial<Record<'tcp' | 'udp' | 'sendto', string>>>,
): ClientProgram['words'] {
  return (transport, port, directory) => {
    const way =
      transport === 'UDP connected'
        ? ways.udp
        : transport === 'UDP sendto'
          ? ways.sendto
          : ways.tcp;
    if (way === undefined) return null;
    return [...command(directory), way, hostOf(transport), String(port)];
  };
}

/** A program that takes a URL. */
function byUrl(command: readonly string[]): ClientProgram['words'] {
  return (transport, port) => {
    if (transport.startsWith('UDP')) return null;
    const host = transport === '::1' ? '[::1]' : transport;
    return [...command, `http://${host}:${port}/`];
  };
}

const node = () => [process.execPath, resolve('dist/test/scenarios/clients/node-client.js')];
const java = (directory: string) => ['java', '-Xshare:auto', '-cp', directory, 'Client'];
const buildJava = (directory: string) => {
  execFileSync('javac', ['-d', directory, join(sources, 'Client.java')]);
};
const plain = { tcp: 'tcp', udp: 'udp', sendto: 'sendto' } as const;

const programs: readonly ClientProgram[] = [
  { name: 'curl', needs: ['curl'], words: byUrl(['curl', '-gsS', '-m', '10']) },
  {
    name: 'Python',
    needs: ['python3'],
    words: byWord(() => ['python3', join(sources, 'client.py')], plain),
  },
  { name: 'Node net', needs: [], words: byWord(node, { tcp: 'net' }) },
  { name: 'Node http', needs: [], words: byWord(node, { tcp: 'http' }) },
  {
    name: 'Node fetch',
    needs: [],
    words: (transport, port) =>
      transport.startsWith('UDP')
        ? null
        : [...node(), 'fetch', transport === '::1' ? '[::1]' : transport, String(port)],
  },
  {
    name: 'Node dgram',
    needs: [],
    words: byWord(node, { udp: 'udp', sendto: 'sendto' }),
    bindsFirst: ['UDP connected'],
    sendsByMessage: true,
  },
  {
    name: 'Java Socket',
    needs: ['java', 'javac'],
    build: buildJava,
    words: byWord(java, { tcp: 'socket' }),
  },
  {
    name: 'Java NIO',
    needs: ['java', 'javac'],
    build: buildJava,
    words: byWord(java, { tcp: 'nio' }),
  },
  {
    name: 'Java HttpClient',
    needs: ['java', 'javac'],
    build: buildJava,
    words: (transport, port, directory) =>
      transport.startsWith('UDP')
        ? null
        : [...java(directory), 'http', transport === '::1' ? '[::1]' : transport, String(port)],
  },
  {
    name: 'Java DatagramSocket',
    needs: ['java', 'javac'],
    build: buildJava,
    words: byWord(java, { udp: 'udp', sendto: 'sendto' }),
    bindsFirst: ['UDP connected'],
  },
  {
    name: 'C, static',
    needs: ['gcc'],
    build: (directory) => {
      const program = join(directory, 'c-client');
      // The warning that getaddrinfo wants glibc at run time is of no interest here.
      execFileSync('gcc', ['-static', '-o', program, join(sources, 'client.c')], { stdio: 'pipe' });
    },
    words: byWord((directory) => [join(directory, 'c-client')], plain),
  },
  {
    name: 'Go, static',
    needs: ['go'],
    build: (directory) => {
      const words = ['build', '-o', join(directory, 'go-client'), join(sources, 'client.go')];
      const cache = hasProgram('go') ? join(directory, 'go-cache') : '';
      execFileSync('go', words, {
        env: {
          ...process.env,
          CGO_ENABLED: '0',
          GOCACHE: cache,
          GOFLAGS: '-p=1',
          GO111MODULE: 'off',
        },
        stdio: 'pipe',
      });
    },
    words: byWord((directory) => [join(directory, 'go-client')], { tcp: 'tcp', udp: 'udp' }),
  },
  {
    name: 'Erlang gen_tcp, gen_udp',
    needs: ['escript'],
    // It is asked for ::1 as inet6 only, which gen_tcp does not do by itself.
    words: (transport, port) => {
      if (transport === '::1' || transport === 'UDP connected') return null;
      const way = transport === 'UDP sendto' ? 'sendto' : 'tcp';
      return ['escript', join(sources, 'client.erl'), way, hostOf(transport), String(port)];
    },
  },
];

export function clientPrograms(): readonly ClientProgram[] {
  return programs;
}
