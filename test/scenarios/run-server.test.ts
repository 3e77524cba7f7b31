/** `run --server`: copies of a server on one port, each on its label's address; and real clients. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hasProgram, lacking } from '../requirements.js';
import { freePort, outputOf, RunningProgram, waitForPort } from './process.js';
import { lbcapProgram } from './watch.js';

const directory = mkdtempSync(join(tmpdir(), 'lbcap-server-'));

after(() => {
  rmSync(directory, { recursive: true, force: true });
});

function lbcap(...words: readonly string[]): RunningProgram {
  return new RunningProgram(process.execPath, [lbcapProgram(), 'run', ...words]);
}

const redisWords = ['--save', '', '--dir', directory, '--protected-mode', 'no'];

for (const method of ['bpf', 'seccomp']) {
  test(
    `three redis servers keep one port, by ${method}`,
    { skip: lacking('capture', 'redis-server', 'redis-cli') },
    async () => {
      const port = String(await freePort());
      const hosts = ['127.0.0.31', '127.0.0.32', '127.0.0.33'];
      const servers = hosts.map((host, index) =>
        lbcap(
          ...['--server', '--method', method, `broker-${index}=${host}`, '--'],
          ...['redis-server', '--port', port, ...redisWords],
        ),
      );
      try {
        for (const [index, host] of hosts.entries()) {
          await waitForPort(host, Number(port));
          await outputOf('redis-cli', '-h', host, '-p', port, 'set', 'who', String(index));
        }
        for (const [index, host] of hosts.entries()) {
          assert.equal(
            await outputOf('redis-cli', '-h', host, '-p', port, 'get', 'who'),
            `${index}\n`,
          );
        }
      } finally {
        for (const server of servers) await server.end();
      }
      for (const server of servers) assert.match(server.stderr, /1 listen moved to 127\.0\.0\.3/);
    },
  );
}

/** Where a server's listeners are, by family, while it runs; and its account. */
async function listeners(
  label: string,
  method: string,
  port: number,
  order: readonly string[],
): Promise<{ at: Readonly<Record<string, string>>; end: () => Promise<string> }> {
  const python = ['python3', 'test/scenarios/clients/two-listeners.py', String(port), ...order];
  const server = lbcap('--server', '--method', method, label, '--', ...python);
  await server.waitFor('stdout', /ready/);
  const lines = server.stdout.split('\n');
  return {
    at: Object.fromEntries(order.map((family, index) => [family, lines[index] ?? ''])),
    end: async () => {
      await server.end();
      return server.stderr;
    },
  };
}

for (const method of ['bpf', 'seccomp']) {
  for (const order of [
    ['6', '4'],
    ['4', '6'],
  ]) {
    test(
      `copies with a listener for each family, IPv${order.join(' before IPv')}, by ${method}`,
      { skip: lacking('capture', 'python3') },
      async () => {
        const port = await freePort();
        const copies: Awaited<ReturnType<typeof listeners>>[] = [];
        try {
          for (const host of ['127.0.0.41', '127.0.0.42']) {
            const copy = await listeners(`copy=${host}`, method, port, order);
            copies.push(copy);
            assert.equal(copy.at['4'], `${host} ${port}`);
            // On ::1, at a port of the kernel's choice.
            assert.match(copy.at['6'] ?? '', /^::1 [0-9]+$/);
            assert.notEqual(copy.at['6'], `::1 ${port}`);
          }
          // A label with an IPv6 address: both are reached.
          const both = await listeners('copy=127.0.0.43,::1', method, port, order);
          copies.push(both);
          assert.deepEqual(both.at, { 4: `127.0.0.43 ${port}`, 6: `::1 ${port}` });
        } finally {
          const accounts = await Promise.all(copies.map(({ end }) => end()));
          for (const text of accounts.slice(0, 2))
            assert.match(text, /1 listen moved to .*; 1 listen for IPv6 alone out of reach: give/);
          for (const text of accounts.slice(2)) {
            assert.match(text, /2 listens moved to /);
            assert.doesNotMatch(text, /out of reach/);
          }
        }
      },
    );
  }
}

test(
  'an unprivileged server has a port below 1024',
  { skip: lacking('capture', 'setpriv', 'gcc') },
  async () => {
    const source = join(directory, 'low.c');
    writeFileSync(
      source,
      `#include <arpa/inet.h>
#include <stdio.h>
int main(void) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(1023)};
  socklen_t length = sizeof name;
  int sock = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(sock, (struct sockaddr *)&name, length) < 0) { perror("bind"); return 1; }
  getsockname(sock, (struct sockaddr *)&name, &length);
  printf("%s %d\\n", inet_ntoa(name.sin_addr), ntohs(name.sin_port));
  return 0;
}
`,
    );
    const program = join(directory, 'low');
    execFileSync('gcc', ['-o', program, source]);
    execFileSync('chmod', ['755', directory]);
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', program];
    const words = [lbcapProgram(), 'run', '-q', '--server', 'mta=127.0.0.35', '--', ...nobody];
    assert.equal(await outputOf(process.execPath, ...words), '127.0.0.35 1023\n');
  },
);

for (const method of ['bpf', 'seccomp']) {
  test(
    `redis-cli, by ${method}`,
    { skip: lacking('capture', 'redis-server', 'redis-cli') },
    async () => {
      const port = String(await freePort());
      const server = new RunningProgram('redis-server', ['--port', port, ...redisWords]);
      try {
        await waitForPort('127.0.0.1', Number(port));
        for (const host of ['127.0.0.1', 'localhost']) {
          const client = lbcap(
            ...['-q', '--method', method, 'client=127.0.0.36', '--'],
            ...['redis-cli', '-h', host, '-p', port, 'client', 'list'],
          );
          await client.exited;
          assert.match(client.stdout, / addr=127\.0\.0\.36:/, client.stderr);
        }
      } finally {
        await server.end();
      }
    },
  );

  test(
    `psql, by ${method}`,
    { skip: lacking('capture', 'psql', 'setpriv') || postgresMissing() },
    async () => {
      const port = String(await freePort());
      const data = join(directory, `postgres-${method}`);
      const [uid, gid] = (await outputOf('getent', 'passwd', 'postgres')).split(':').slice(2, 4);
      const as = ['--reuid', uid, '--regid', gid, '--clear-groups'];
      execFileSync('mkdir', [data]);
      chownSync(data, Number(uid), Number(gid));
      execFileSync('chmod', ['755', directory]);
      const programs = postgresDirectory();
      await outputOf('setpriv', ...as, join(programs, 'initdb'), '-D', data, '-A', 'trust', '-N');
      // Its default admits 127.0.0.1/32 only: this is what people with labels have to write.
      writeFileSync(join(data, 'pg_hba.conf'), 'host all all 127.0.0.0/8 trust\n');
      const server = new RunningProgram('setpriv', [
        ...as,
        join(programs, 'postgres'),
        ...['-D', data, '-p', port, '-k', '', '-h', '127.0.0.1'],
      ]);
      try {
        await server.waitFor('stderr', /ready to accept connections/);
        for (const host of ['127.0.0.1', 'localhost']) {
          const client = lbcap(
            ...[
              '-q',
              '--method',
              method,
              'client=127.0.0.37',
              '--',
              'psql',
              '-h',
              host,
              '-p',
              port,
            ],
            ...['-U', 'postgres', '-Atc', 'select inet_client_addr()', 'postgres'],
          );
          await client.exited;
          assert.equal(client.stdout, '127.0.0.37\n', client.stderr);
        }
      } finally {
        await server.end('SIGINT');
      }
    },
  );
}

function postgresDirectory(): string {
  return execFileSync('pg_config', ['--bindir'], { encoding: 'utf8' }).trim();
}

function postgresMissing(): string | false {
  return hasProgram('pg_config') ? false : 'pg_config is not installed';
}
