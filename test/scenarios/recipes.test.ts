/** The recipes of `run --recipe`, tried with the programs themselves. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { recipeOf } from '../../src/binding/recipes.js';
import { lbcap } from '../cli/lbcap.js';
import { lacking } from '../requirements.js';
import { Peer } from './peer.js';
import { freePort, outputOf, RunningProgram, waitForPort } from './process.js';
import { lbcapProgram } from './watch.js';

const address = '127.0.0.77';
const next = '127.0.0.78';
let peer: Peer;
let directory = '';

before(async () => {
  peer = await Peer.start();
  directory = mkdtempSync(join(tmpdir(), 'lbcap-recipes-'));
});

after(() => {
  peer.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The recipe's lines with the peer's port. */
function lines(client: string): string[] {
  const text = recipeOf(client, address, next);
  assert.ok(text !== undefined, client);
  return text.replaceAll('9092', String(peer.port)).split('\n');
}

async function answers(command: string, ...words: readonly string[]): Promise<void> {
  assert.equal(await outputOf(command, ...words), `${address}\n`);
}

test('curl', { skip: lacking('curl') }, async () => {
  await answers('sh', '-c', `${lines('curl')[0]} -sS`);
});

test('nc', { skip: lacking('nc') }, async () => {
  await answers('sh', '-c', `echo who | ${lines('nc (OpenBSD)')[0]}`);
});

test('ssh takes -b', { skip: lacking('ssh') }, async () => {
  // Nobody answers as an SSH server does; ssh shows what it was told instead.
  const option = /-b [0-9.]+/.exec(lines('ssh')[0])?.[0] ?? '';
  const words = `-v ${option} -o BatchMode=yes -p ${peer.port} 127.0.0.1`;
  const program = new RunningProgram('sh', ['-c', `timeout 10 ssh ${words}`]);
  await program.exited;
  assert.match(program.stderr, new RegExp(`banner line 0: ${address.replaceAll('.', '\\.')}`));
});

test('Node', async () => {
  const [connect, get] = lines('Node');
  const net = `const net = require('net'); const s = ${connect}; s.write('who\\n'); s.pipe(process.stdout)`;
  await answers(process.execPath, '-e', net);
  const http = `const http = require('http'); (${get}).on('response', (r) => r.pipe(process.stdout))`;
  await answers(process.execPath, '-e', http);
});

test('Python', { skip: lacking('python3') }, async () => {
  const [connect, http] = lines('Python');
  await answers(
    'python3',
    '-c',
    `import socket\ns = ${connect}\ns.sendall(b"who\\n")\nprint(s.recv(99).decode(), end="")`,
  );
  await answers(
    'python3',
    '-c',
    `import http.client\nc = ${http}\nc.request("GET", "/")\nprint(c.getresponse().read().decode(), end="")`,
  );
});

test('Go', { skip: lacking('go') }, async () => {
  const [dialer, dial] = lines('Go');
  const source = join(directory, 'recipe.go');
  writeFileSync(
    source,
    `package main
import ("fmt"; "net"; "os")
func main() {
  ${dialer}
  ${dial}
  if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) }
  connection.Write([]byte("who\\n"))
  text := make([]byte, 99)
  length, _ := connection.Read(text)
  fmt.Print(string(text[:length]))
}
`,
  );
  const env = { ...process.env, GOCACHE: join(directory, 'go-cache'), GO111MODULE: 'off' };
  const program = new RunningProgram('go', ['run', source], env);
  assert.equal((await program.exited).code, 0, program.stderr);
  assert.equal(program.stdout, `${address}\n`);
});

test('Java', { skip: lacking('java', 'javac') }, async () => {
  const source = join(directory, 'Recipe.java');
  writeFileSync(
    source,
    `import java.net.*;
import java.nio.channels.SocketChannel;
public class Recipe {
  static void ask(Socket socket) throws Exception {
    socket.getOutputStream().write("who\\n".getBytes());
    System.out.print(new String(socket.getInputStream().readAllBytes()));
  }
  public static void main(String[] words) throws Exception {
    ask(${lines('Java')[0]});
    SocketChannel channel = SocketChannel.open();
    ${/channel\.bind\(.*?\)\)/.exec(lines('Java')[1])?.[0] ?? ''};
    channel.connect(new InetSocketAddress("127.0.0.1", ${peer.port}));
    ask(channel.socket());
  }
}
`,
  );
  assert.equal(await outputOf('java', source), `${address}\n${address}\n`);
});

test('Erlang', { skip: lacking('erl') }, async () => {
  const connect = lines('Erlang')[0].replace(']', ', binary, {active, false}]');
  const program = `{ok, S} = ${connect}, ok = gen_tcp:send(S, <<"who\\n">>), {ok, T} = gen_tcp:recv(S, 0), io:put_chars(T), halt().`;
  await answers('erl', '-noshell', '-eval', program);
});

/** A proxy between: what the peer sees is the proxy's source. */
async function throughProxy(program: RunningProgram, port: number): Promise<void> {
  try {
    await waitForPort('127.0.0.1', port);
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(await response.text(), `${address}\n`);
  } finally {
    await program.end();
  }
}

/** Starts nginx on a port. @param location of the server @param more of http */
function nginx(port: number, location: string, more: string): RunningProgram {
  const configuration = join(directory, `nginx-${port}.conf`);
  writeFileSync(
    configuration,
    `daemon off; master_process off; pid ${directory}/nginx-${port}.pid; error_log stderr;
events {}
http { access_log off; client_body_temp_path ${directory}; proxy_temp_path ${directory};
fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
${more}
server { listen 127.0.0.1:${port}; ${location} } }
`,
  );
  return new RunningProgram('nginx', ['-e', 'stderr', '-c', configuration]);
}

test('nginx', { skip: lacking('nginx') }, async () => {
  const port = await freePort();
  await throughProxy(nginx(port, lines('nginx')[0], ''), port);
});

test('nginx over several addresses', { skip: lacking('nginx', 'curl') }, async () => {
  const port = await freePort();
  const [, , split, , location] = lines('nginx');
  const program = nginx(port, location, split);
  try {
    await waitForPort('127.0.0.1', port);
    const seen = new Set<string>();
    // Each curl is a connection of its own; which address it gets is a hash of its number.
    for (let turn = 0; turn < 64 && seen.size < 2; turn += 1) {
      seen.add(await outputOf('curl', '-sS', `http://127.0.0.1:${port}/`));
    }
    assert.deepEqual([...seen].sort(), [`${address}\n`, `${next}\n`]);
  } finally {
    await program.end();
  }
});

test('HAProxy', { skip: lacking('haproxy') }, async () => {
  const port = await freePort();
  const configuration = join(directory, 'haproxy.cfg');
  writeFileSync(
    configuration,
    `defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend all
  bind 127.0.0.1:${port}
  default_backend kafka
${lines('HAProxy').join('\n')}
`,
  );
  await throughProxy(new RunningProgram('haproxy', ['-f', configuration]), port);
});

test('librdkafka', { skip: lacking('gcc') || headerMissing('librdkafka/rdkafka.h') }, async () => {
  const recipe = lines('librdkafka');
  const from = recipe.findIndex((line) => line.startsWith('static int'));
  const source = join(directory, 'rdkafka.c');
  writeFileSync(
    source,
    `#include <arpa/inet.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>
${recipe.slice(from, -1).join('\n')}
int main(void) {
  char error[512];
  const struct rd_kafka_metadata *metadata;
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  ${recipe.at(-1)}
  rd_kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:${peer.port}", error, sizeof error);
  rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  rd_kafka_metadata(client, 0, 0, &metadata, 500);
  return 0;
}
`,
  );
  const program = join(directory, 'rdkafka');
  execFileSync('gcc', ['-o', program, source, '-lrdkafka']);
  const client = new RunningProgram(program, []);
  await client.exited;
  // No broker answers, but the connection was made: what it takes for a reply's size is our text,
  // and the first word of that is the address that it came from.
  const size = Buffer.from(address.slice(0, 4)).readUInt32BE();
  assert.ok(client.stderr.includes(`Invalid response size ${size}`), client.stderr);
});

function headerMissing(name: string): string | false {
  if (existsSync(join('/usr/include', name))) return false;
  return lacking(name);
}

test('wrk, which has no setting, by lbcap run', { skip: lacking('capture', 'wrk') }, async () => {
  assert.match(lines('wrk')[0], /lbcap run/);
  const url = `http://127.0.0.1:${peer.port}/`;
  const words = ['run', '--json', `load=${address}`, '--', 'wrk', '-t1', '-c4', '-d1s', url];
  const program = new RunningProgram(process.execPath, [lbcapProgram(), ...words]);
  await program.exited;
  const { streams } = JSON.parse(program.stderr) as {
    streams: { labelled: number; failed: object };
  };
  assert.ok(streams.labelled >= 4, program.stderr);
  assert.deepEqual(streams.failed, {});
});

test('--recipe prints them all for the label', () => {
  const { status, stdout } = lbcap(['run', '--recipe', 'client=127.0.0.77']);
  assert.equal(status, 0);
  for (const client of ['curl', 'librdkafka', 'JMeter', '.NET', 'k6']) {
    assert.ok(stdout.includes(`\n${client}\n    `), client);
  }
  assert.match(stdout, /--interface 127\.0\.0\.77/);
});
