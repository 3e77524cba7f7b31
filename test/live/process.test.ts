/** What a capture does to its process, and what the system may do to a capture. Needs root. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LbcapError } from '../../src/errors.js';
import { platform } from '../../src/loopback/platform.js';
import { assertInTime } from '../in-time.js';
import { openLo, ownAddress, read, Sender, whyNot } from './traffic.js';

const skip = whyNot() || (platform() === 'linux' ? false : 'looks into /proc');
const program = fileURLToPath(new URL('./capture-once.js', import.meta.url));

interface Answer {
  readonly packets?: number;
  readonly code?: string;
  readonly message?: string;
}

/** Runs capture-once. `lines` yields what it says. */
function capture(
  orders: Record<string, unknown>,
  env: Record<string, string> = {},
): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const lines: Interface = createInterface(child.stdout);
  return { child, lines: lines[Symbol.asyncIterator]() };
}

/** Makes an interface of the first kind that this kernel has. */
function addInterface(name: string): boolean {
  return ['dummy', 'bridge', 'ifb'].some(
    (kind) => spawnSync('ip', ['link', 'add', name, 'type', kind]).status === 0,
  );
}

async function answer(lines: AsyncIterator<string>): Promise<Answer> {
  const { value } = (await lines.next()) as { value: string };
  return JSON.parse(value) as Answer;
}

test('no permission: the ways to get it, on one line', { skip }, async () => {
  const { lines } = capture({ uid: 65_534 });
  const { code, message } = await answer(lines);
  assert.equal(code, 'CAPTURE_PERMISSION');
  assert.match(message!, /^no permission to capture on lo \(.*\): run it as root \(sudo /);
  assert.match(message!, /sudo tcpdump -i lo -U -w - \| lbcap watch -r -/);
  assert.doesNotMatch(message!, /\n/);
});

test('no libpcap: a code', { skip }, async () => {
  const { lines } = capture({}, { LBCAP_LIBPCAP: '/nonexistent' });
  assert.equal((await answer(lines)).code, 'LIBPCAP_MISSING');
});

test('process.exit while a capture waits for a packet that never comes', { skip }, async () => {
  const { child, lines } = capture({ filter: `host ${ownAddress()}`, exit: 7 });
  assert.equal((await lines.next()).value, 'open');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  assert.deepEqual(await once(child, 'exit'), [7, null]);
  clearTimeout(timer);
});

test('a libpcap before 1.10, which no other thread can wake', { skip }, async (t) => {
  if (spawnSync('gcc', ['--version']).error !== undefined) {
    t.skip('no gcc to build such a library');
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'lbcap-old-'));
  try {
    // The installed libpcap behind a library that says it is older and wakes nobody.
    const [source, library] = [join(directory, 'old.c'), join(directory, 'libold.so')];
    writeFileSync(
      source,
      'const char *pcap_lib_version(void) { return "libpcap version 1.9.1"; }\n' +
        'void pcap_breakloop(void *p) { (void)p; }\n',
    );
    const real = ['libpcap.so.0.8', 'libpcap.so.1'].find((name) =>
      execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).includes(name),
    );
    execFileSync('gcc', [
      ...['-shared', '-fPIC', '-o', library, source],
      ...['-Wl,--no-as-needed', `-l:${real}`],
    ]);
    await assertInTime(300, async () => {
      const address = ownAddress();
      const sender = await Sender.at(address);
      const { child, lines } = capture({ filter: `host ${address}` }, { LBCAP_LIBPCAP: library });
      assert.equal((await lines.next()).value, 'open');
      await sender.send(500);
      sender.close();
      const before = performance.now();
      child.stdin!.write('stop\n');
      assert.deepEqual(await answer(lines), { packets: 500 });
      return performance.now() - before;
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('an interface that vanishes ends the capture with an error', { skip }, async (t) => {
  const name = `lbcap${process.pid % 10_000}`;
  if (!addInterface(name)) {
    t.skip('no interface can be made here');
    return;
  }
  let there = true;
  try {
    execFileSync('ip', ['link', 'set', name, 'up']);
    const opened = await openLo({ interface: name });
    execFileSync('ip', ['link', 'del', name]);
    there = false;
    await assert.rejects(read(opened), (error) => {
      assert.ok(error instanceof LbcapError, String(error));
      assert.equal(error.code, 'CAPTURE_FAILED');
      assert.match(error.message, /^the capture ended \(.+\): /);
      return true;
    });
    await assert.rejects(opened.source.next(), LbcapError);
    await opened.source.close();
  } finally {
    if (there) execFileSync('ip', ['link', 'del', name]);
  }
});

test('an interface that is down is said to be', { skip }, async (t) => {
  const name = `lbcapd${process.pid % 10_000}`;
  if (!addInterface(name)) {
    t.skip('no interface can be made here');
    return;
  }
  try {
    await assert.rejects(openLo({ interface: name }), /is not up: bring it up first$/);
  } finally {
    execFileSync('ip', ['link', 'del', name]);
  }
});

test('neither descriptors nor memory stay behind', { skip }, async () => {
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const address = ownAddress();
  const sender = await Sender.at(address);
  const once = async () => {
    const opened = await openLo({ filter: `host ${address}`, bufferSize: 2 << 20 });
    await sender.send(20, 50_000);
    opened.source.stop();
    assert.equal((await read(opened)).length, 20);
    await opened.source.close();
  };
  await once();
  const [before, memory] = [descriptors(), process.memoryUsage().rss];
  for (let round = 0; round < 20; round++) await once();
  assert.equal(descriptors(), before);
  const grown = (process.memoryUsage().rss - memory) / (1 << 20);
  // Each round puts 1 MB into the stream: 20 that stay would show beside the collector's noise.
  assert.ok(grown < 60, `${grown} MiB more`);
  assert.equal(process.listenerCount('exit') <= 1, true);
  sender.close();
});

test('a child does not inherit the capture', { skip }, async () => {
  const opened = await openLo({ filter: `host ${ownAddress()}` });
  const sockets = (listing: string) =>
    [...listing.matchAll(/socket:\[(\d+)\]/g)].map((match) => match[1]);
  const mine = sockets(execFileSync('ls', ['-l', `/proc/${process.pid}/fd`], { encoding: 'utf8' }));
  const packetSockets = readFileSync('/proc/net/packet', 'utf8');
  const captures = mine.filter((inode) => new RegExp(`\\b${inode}\\s*$`, 'm').test(packetSockets));
  assert.equal(captures.length, 1);
  const childs = sockets(execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' }));
  assert.ok(!childs.includes(captures[0]), 'the packet socket is open in the child');
  await opened.source.close();
});
