/** TCP health of real loopback traffic, captured by tcpdump and judged by tshark. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type as systemName } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addressBytes } from '../../../fixtures/tcp-conversations.js';
import { replay } from '../../sinks/replay.js';
import { tsharkHealth } from '../../sinks/tshark.js';

// A network namespace of its own would need more than the right to capture.
const client = '127.0.0.77';
const sentinel = 'the capture has come so far';
const serverPath = fileURLToPath(new URL('../../../../fixtures/poor-server.py', import.meta.url));

async function startServer(t: TestContext, mode: 'lossy' | 'reset' | 'full'): Promise<number> {
  const child = spawn('python3', [serverPath, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => {
    child.kill('SIGKILL');
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return Number(line);
}

/** Captures a port until `stop`, which gives the file: all that came before it, for certain. */
async function capture(t: TestContext, port: number): Promise<() => Promise<Uint8Array>> {
  const mark = createSocket('udp4').bind(0, client);
  await once(mark, 'listening');
  const filter = `host ${client} and (tcp port ${String(port)} or udp port ${String(mark.address().port)})`;
  const child: ChildProcess = spawn(
    'tcpdump',
    ['-i', 'lo', '--immediate-mode', '-U', '-B', '16384', '-w', '-', filter],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  t.after(() => {
    child.kill('SIGKILL');
    mark.close();
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  // To be read to the end: a closed pipe would end tcpdump in the middle of its first sentence.
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += String(chunk)));
  while (!said.includes('listening on')) await once(child.stderr ?? child, 'data');
  return async () => {
    mark.send(sentinel, mark.address().port, client);
    while (!Buffer.concat(chunks).includes(sentinel)) {
      await once(child.stdout ?? child, 'data');
    }
    return Buffer.concat(chunks);
  };
}

async function opened(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: client });
  await once(socket, 'connect');
  return socket;
}

const compared = (file: Uint8Array): { ours: object; theirs: object } => {
  const { open, resets, retransmissions } = replay(file, [addressBytes(client)]).table.health(0);
  return { ours: { open, resets, retransmissions }, theirs: tsharkHealth(file) };
};

const mayCapture =
  systemName() !== 'Linux'
    ? 'the server drops segments by a Linux socket filter'
    : process.getuid?.() !== 0
      ? 'capturing needs root'
      : false;

test('a server that loses segments', { skip: mayCapture, timeout: 60_000 }, async (t) => {
  const port = await startServer(t, 'lossy');
  const stop = await capture(t, port);
  const sockets = await Promise.all(Array.from({ length: 10 }, () => opened(port)));
  await Promise.all(
    sockets.map(async (socket, i) => {
      let received = 0;
      socket.on('data', (data: Buffer) => (received += data.length));
      for (let round = 1; round <= 15; round++) {
        socket.write('?'.repeat(20));
        while (received < round * 20_000) await once(socket, 'data');
      }
      if (i % 2 === 1) return;
      socket.end();
      await once(socket, 'close');
    }),
  );
  const { ours, theirs } = compared(await stop());
  t.diagnostic(JSON.stringify(ours));
  assert.deepEqual(ours, theirs);
  assert.ok((ours as { retransmissions: number }).retransmissions > 5);
  for (const socket of sockets) socket.destroy();
});

test('a server that resets', { skip: mayCapture, timeout: 60_000 }, async (t) => {
  const port = await startServer(t, 'reset');
  const stop = await capture(t, port);
  const sockets = await Promise.all(Array.from({ length: 20 }, () => opened(port)));
  await Promise.all(
    sockets.slice(0, 15).map(async (socket) => {
      socket.on('error', () => undefined);
      socket.write('?');
      // Not events.once, which takes the error that is expected for a failure.
      await new Promise((resolve) => socket.once('close', resolve));
    }),
  );
  const { ours, theirs } = compared(await stop());
  assert.deepEqual(ours, theirs);
  assert.deepEqual(ours, { open: 5, resets: 15, retransmissions: 0 });
  for (const socket of sockets) socket.destroy();
});

test('a server whose queue is full', { skip: mayCapture, timeout: 60_000 }, async (t) => {
  const port = await startServer(t, 'full');
  const stop = await capture(t, port);
  const waiting = Array.from({ length: 6 }, () =>
    connect({ port, host: '127.0.0.1', localAddress: client }).on('error', () => undefined),
  );
  t.after(() => {
    for (const socket of waiting) socket.destroy();
  });
  // What is tested is that time has passed: a second, in which each SYN is sent once more.
  await after(1500);
  const file = await stop();
  const { table, last } = replay(file, [addressBytes(client)]);
  const health = table.health(0);
  const connected = waiting.filter((socket) => !socket.connecting).length;
  assert.ok(connected < waiting.length, 'the queue is full');
  assert.equal(health.unanswered, waiting.length - connected);
  assert.equal(table.health(0, last - 1.2).unanswered, 0);
  const { open, resets, retransmissions } = health;
  assert.deepEqual({ open, resets, retransmissions }, tsharkHealth(file));
  assert.equal(open, connected);
});
