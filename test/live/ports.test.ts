/** `lbcap ports` beside ss(8): known sockets in a namespace of their own. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { PortEvent } from '../../src/terminal/port-events.js';
import { lbcapPath } from '../cli/lbcap.js';
import { lacking } from '../requirements.js';
import { NetworkNamespace } from '../scenarios/namespace.js';
import { RunningProgram } from '../scenarios/process.js';

const skip = lacking('capture', 'ss', 'unshare', 'nsenter', 'ip');
const labels = {
  a: '127.0.0.2',
  b: '127.0.0.3',
  c: '127.0.0.4',
  d: '127.0.0.5',
  e: '127.0.0.6',
  f: '::1',
  rest: '127.0.2.0/24',
};
const words = Object.entries(labels).flatMap(([name, address]) => ['-l', `${name}=${address}`]);
const directory = mkdtempSync(join(tmpdir(), 'lbcap-ports-'));

/** ss's names for the kernel's. */
const ssStates: Readonly<Record<string, string>> = { ESTAB: 'ESTABLISHED' };

interface SocketLine {
  readonly state: string;
  readonly local: string;
}

function parseSs(text: string): SocketLine[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [state, , , local] = line.trim().split(/\s+/);
      const address = local
        .slice(0, local.lastIndexOf(':'))
        .replace(/^\[(?:::ffff:)?|\]$/g, '')
        .replace(/%.*$/, '');
      return { state: ssStates[state] ?? state.replaceAll('-', '_'), local: address };
    });
}

/** Sockets of each label by state. */
function byState(of: (name: string) => Iterable<readonly [string, number]>): object {
  return Object.fromEntries(
    Object.keys(labels).map((name) => {
      const counts = new Map<string, number>();
      for (const [state, count] of of(name)) counts.set(state, (counts.get(state) ?? 0) + count);
      return [name, Object.fromEntries([...counts].sort())];
    }),
  );
}

function eventsOf(stdout: string): PortEvent[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PortEvent);
}

const everyState = (event: PortEvent | undefined) =>
  [event?.others ?? {}, ...(event?.servers ?? []).map(({ states }) => states)].flatMap((states) =>
    Object.entries(states),
  );

describe('lbcap ports', { skip }, () => {
  let space: NetworkNamespace;
  let holder: RunningProgram;
  const inside = (...command: string[]) => space.run(...command);
  const lbcap = (...rest: string[]) => inside(process.execPath, lbcapPath, 'ports', ...rest);

  before(async () => {
    space = await NetworkNamespace.create({
      ip_local_port_range: '40000 40999',
      tcp_tw_reuse: '0',
    });
    const [program, ...rest] = space.words(
      process.execPath,
      resolve('dist/test/live/known-sockets.js'),
    );
    holder = new RunningProgram(program, rest);
    await holder.waitFor('stdout', /ready/);
    // The last FINs are on their way.
    const settled = /(TIME-WAIT.*127\.0\.0\.3:(.|\n)*){4}/;
    const half = /(CLOSE-WAIT.*127\.0\.0\.4:(.|\n)*){3}/;
    for (const until = Date.now() + 5000; ; await pause(20)) {
      const text = inside('ss', '-tanH');
      if (settled.test(text) && half.test(text)) break;
      assert.ok(Date.now() < until, text);
    }
  });

  after(async () => {
    await holder.end('SIGKILL');
    space.close();
    rmSync(directory, { recursive: true });
  });

  it('counts what ss counts, label by label and state by state', () => {
    const lines = parseSs(inside('ss', '-tanH'));
    const events = eventsOf(lbcap('--json', ...words));
    const expected = byState((name) =>
      lines
        .filter(({ local }) => local === labels[name as keyof typeof labels])
        .map(({ state }) => [state, 1] as const),
    );
    const found = byState((name) => everyState(events.find((event) => event.name === name)));
    assert.deepEqual(found, expected);
    assert.deepEqual(expected, {
      a: { ESTABLISHED: 11 },
      b: { TIME_WAIT: 4 },
      c: { CLOSE_WAIT: 3 },
      d: { ESTABLISHED: 3, LISTEN: 1 },
      e: { ESTABLISHED: 2 },
      // Both ends are ::1.
      f: { ESTABLISHED: 4, LISTEN: 1 },
      rest: {},
    });
  });

  it('tells what takes a port, of which server’s', () => {
    const events = eventsOf(lbcap('--json', ...words));
    const servers = Object.fromEntries(
      events.map(({ name, servers }) => [
        name,
        servers.map(({ server, used, free }) => `${server} ${used} ${free}`),
      ]),
    );
    // 1000 ports, one of which listens.
    assert.deepEqual(servers, {
      a: ['127.0.0.1:9000 7 992', '127.0.0.5:40001 3 996'],
      b: ['127.0.0.1:9000 4 995'],
      c: ['127.0.0.1:9000 3 996'],
      d: [],
      e: ['127.0.0.1:9000 2 997'],
      f: ['[::1]:9000 2 997'],
      rest: [],
    });
    const [a] = events;
    assert.deepEqual(
      [a.perAddress, a.capacity, a.addresses, a.listening, a.others],
      [999, 999, 1, 1, { ESTABLISHED: 1 }],
    );
    assert.equal(events.at(-1)?.capacity, 999 * 256);
    assert.deepEqual(a.range, {
      first: 40_000,
      last: 40_999,
      origin: 'net.ipv4.ip_local_port_range',
    });
    assert.deepEqual([a.servers[0].perSecond, a.servers[0].secondsLeft], [0, null]);
  });

  it('prints a table, also as nobody', () => {
    const table = lbcap(...words);
    assert.match(table, /^a +127\.0\.0\.2 +127\.0\.0\.1:9000 +7 +7 +0 +0 +992 +0\.7 % +0 +-$/m);
    assert.match(table, /^b .* 4 +0 +4 +0 +995 /m);
    assert.match(table, /^999 ports for each address and server .* 1 taken by listeners$/m);
    const nobody = ['env', 'HOME=/', 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    assert.match(inside(...nobody, process.execPath, lbcapPath, 'ports', ...words), /^a +127/m);
  });

  it(
    'reads /proc/net/tcp where netlink is refused, to the same end',
    { skip: lacking('gcc') },
    () => {
      const program = join(directory, 'without-netlink');
      writeFileSync(`${program}.c`, withoutNetlink);
      execFileSync('gcc', ['-o', program, `${program}.c`]);
      const [command, ...rest] = space.words(
        ...[program, process.execPath, lbcapPath, 'ports', '--json', ...words],
      );
      const { stdout, stderr, status } = spawnSync(command, rest, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.match(stderr, /^lbcap: reading \/proc\/net\/tcp, .*EAFNOSUPPORT.*\n$/);
      const strip = (events: PortEvent[]) => events.map((event) => ({ ...event, time: '' }));
      assert.deepEqual(strip(eventsOf(stdout)), strip(eventsOf(lbcap('--json', ...words))));
    },
  );

  it('goes on with --watch, and ends by Ctrl-C', async () => {
    const [command, ...rest] = space.words(
      ...[process.execPath, lbcapPath, 'ports', '--watch', '--interval', '100ms', '--json'],
      ...words,
    );
    const program = new RunningProgram(command, rest);
    await program.waitFor('stdout', /("name":"rest".*\n[^]*){2}/);
    assert.deepEqual(await program.end('SIGINT'), { code: 0, signal: null });
    assert.match(program.stderr, /^a 127\.0\.0\.1:9000 7 ports, 7 of 999 at 127\.0\.0\.2; /m);
    assert.match(program.stderr, /^label +address/m, 'the table remains');
  });
});

describe('lbcap watch', { skip }, () => {
  it('warns of a label that has hardly a port left, and captures on', async () => {
    const space = await NetworkNamespace.create({ ip_local_port_range: '40000 40009' });
    const programs: RunningProgram[] = [];
    const start = (...command: string[]) => {
      const [program, ...rest] = space.words(...command);
      const running = new RunningProgram(program, rest);
      programs.push(running);
      return running;
    };
    try {
      const holder = start(process.execPath, '-e', holdNine);
      await holder.waitFor('stdout', /held/);
      const watch = start(
        ...[process.execPath, lbcapPath, 'watch', '--no-write', '--json'],
        ...['-l', 'client=127.0.0.2', '-l', 'idle=127.0.0.3'],
      );
      const note = 'client has taken 9 of 10 ports of 127.0.0.2 to 127.0.0.1:9000';
      await watch.waitFor('stderr', new RegExp(`^lbcap: ${note}: see lbcap ports$`, 'm'));
      holder.signal('SIGUSR1');
      await watch.waitFor('stdout', /"event":"sample".*"portsNear".*\n/);
      const sample = watch.stdout.split('\n').find((line) => line.includes('"portsNear"')) ?? '';
      const { portsNear } = JSON.parse(sample) as { portsNear: object };
      assert.deepEqual(portsNear, [
        { label: 'client', server: '127.0.0.1:9000', address: '127.0.0.2', taken: 9, of: 10 },
      ]);
      assert.deepEqual(await watch.end('SIGINT'), { code: 0, signal: null });
      assert.match(watch.stderr, new RegExp(`^${note} · `, 'm'), 'beneath the last table too');
      const last = watch.stdout.trimEnd().split('\n').at(-1) ?? '';
      // Nine times a segment and what acknowledges it.
      const { labels } = JSON.parse(last) as { labels: { packets: number }[] };
      assert.equal(labels[0].packets, 18);
    } finally {
      for (const program of programs.reverse()) await program.end('SIGKILL');
      space.close();
    }
  });
});

/** Nine connections, which say something at SIGUSR1. */
const holdNine = `
  const net = require('net');
  const server = net.createServer((socket) => socket.resume()).listen(9000, '127.0.0.1', async () => {
    const sockets = [];
    for (let i = 0; i < 9; i++) {
      const socket = net.connect({ port: 9000, host: '127.0.0.1', localAddress: '127.0.0.2' });
      await require('events').once(socket, 'connect');
      sockets.push(socket);
    }
    process.on('SIGUSR1', () => sockets.forEach((socket) => socket.write('x')));
    console.log('held');
  });`;

/** A program that runs another without AF_NETLINK, as a container's seccomp profile may. */
const withoutNetlink = `
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 16, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { sizeof code / sizeof *code, code };
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  execvp(argv[1], argv + 1);
  return 1;
}
`;
