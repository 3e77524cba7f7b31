/** `lbcap run` as a process: what its child gets, what it gives back, and what it leaves behind. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { lbcap, lbcapPath } from '../cli/lbcap.js';
import { lacking } from '../requirements.js';
import { Peer } from '../scenarios/peer.js';
import { freePort, outputOf, RunningProgram } from '../scenarios/process.js';
import { processesWith, leftCgroups, within } from './run-support.js';

const methods = ['bpf', 'seccomp'] as const;
const skip = lacking('capture');
let peer: Peer;
let directory = '';

before(async () => {
  peer = await Peer.start();
  directory = mkdtempSync(join(tmpdir(), 'lbcap-run-'));
  // For programs that run as nobody.
  chmodSync(directory, 0o755);
});

after(() => {
  peer.close();
  rmSync(directory, { recursive: true, force: true });
});

function ask(): string[] {
  return ['curl', '-gsS', '-m', '10', `http://127.0.0.1:${peer.port}/`];
}

async function run(...words: readonly string[]) {
  const program = new RunningProgram(process.execPath, [lbcapPath, 'run', ...words]);
  const { code } = await program.exited;
  return { status: code, stdout: program.stdout, stderr: program.stderr };
}

for (const method of methods) {
  const options = ['-q', '--method', method, 'client=127.0.0.2', '--'];

  test(`${method}: the exit status is the child's`, { skip }, () => {
    assert.equal(lbcap(['run', ...options, 'sh', '-c', 'exit 7']).status, 7);
    assert.equal(lbcap(['run', ...options, 'true']).status, 0);
    const missing = lbcap(['run', ...options, 'no-such-command-here']);
    assert.equal(missing.status, 127);
    assert.match(missing.stderr, /^lbcap: there is no command "no-such-command-here": [^\n]+\n$/);
    assert.equal(lbcap(['run', ...options, '/etc/passwd']).status, 126);
    assert.equal(lbcap(['run', ...options, '/']).status, 126);
    assert.deepEqual(leftCgroups(), []);
  });

  test(`${method}: a signal that ends the child shows as 128+n`, { skip }, () => {
    // SIGBUS and others would leave a core file.
    const ends = [
      'SIGHUP',
      'SIGINT',
      'SIGKILL',
      'SIGUSR1',
      'SIGSEGV',
      'SIGPIPE',
      'SIGALRM',
      'SIGTERM',
    ];
    for (const name of ends) {
      const number = constants.signals[name as NodeJS.Signals];
      const { status } = lbcap(['run', ...options, 'sh', '-c', `ulimit -c 0; kill -${number} $$`]);
      assert.equal(status, 128 + number, name);
    }
  });

  test(`${method}: signals reach the child`, { skip }, async () => {
    for (const signal of [
      'SIGHUP',
      'SIGINT',
      'SIGQUIT',
      'SIGTERM',
      'SIGUSR1',
      'SIGUSR2',
    ] as const) {
      const script = `trap 'echo got; exit 3' ${signal.slice(3)}; echo ready; while :; do sleep 0.02; done`;
      const program = new RunningProgram(process.execPath, [
        lbcapPath,
        'run',
        ...options,
        'sh',
        '-c',
        script,
      ]);
      await program.waitFor('stdout', /ready/);
      program.signal(signal);
      assert.equal((await program.exited).code, 3, signal);
      assert.match(program.stdout, /got/);
    }
  });

  test(`${method}: the child has lbcap's descriptors 0 to 2 and no others`, { skip }, () => {
    const script =
      'ls -l /proc/self/fd | sed "s/.* \\([0-9]* -> \\)/\\1/" | grep -v "/proc/" ; grep flags /proc/self/fdinfo/[012]';
    const plain = spawnSync('sh', ['-c', script], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const under = spawnSync(process.execPath, [lbcapPath, 'run', ...options, 'sh', '-c', script], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const shape = (text: string) => text.replace(/pipe:\[[0-9]+\]|socket:\[[0-9]+\]/g, 'pipe');
    assert.equal(shape(under.stdout), shape(plain.stdout));
  });

  test(`${method}: environment and directory are the caller's`, { skip }, () => {
    const plain = spawnSync('sh', ['-c', 'pwd; env | sort | grep -v "^_="'], {
      encoding: 'utf8',
      cwd: directory,
    });
    const under = spawnSync(
      process.execPath,
      [lbcapPath, 'run', ...options, 'sh', '-c', 'pwd; env | sort | grep -v "^_=\\|^LBCAP_RUN="'],
      { encoding: 'utf8', cwd: directory },
    );
    assert.equal(under.stdout, plain.stdout);
  });

  test(
    `${method}: under sudo the child is the caller`,
    { skip: lacking('capture', 'curl') },
    async () => {
      const env = { ...process.env, SUDO_UID: '65534', SUDO_GID: '65534', SUDO_USER: 'nobody' };
      const words = [
        lbcapPath,
        'run',
        ...options,
        'sh',
        '-c',
        `id -u; id -g; id -G; echo $HOME $USER $LOGNAME; grep Cap[PE] /proc/self/status; ${ask().join(' ')}`,
      ];
      const program = new RunningProgram(process.execPath, words, env);
      assert.equal((await program.exited).code, 0, program.stderr);
      const home = (await outputOf('getent', 'passwd', 'nobody')).split(':')[5];
      assert.equal(
        program.stdout,
        `65534\n65534\n65534\n${home} nobody nobody\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n127.0.0.2\n`,
      );
    },
  );

  test(
    `${method}: what the child leaves behind keeps the label, and is waited for`,
    { skip },
    async () => {
      // Forked twice, in a session of its own, its parent gone: a daemon.
      const daemon = `setsid sh -c '(sleep 0.4; ${ask().join(' ')}) &' &`;
      const { stdout, status } = await run(...options, 'sh', '-c', `${daemon} exit 5`);
      assert.equal(stdout, '127.0.0.2\n');
      assert.equal(status, 5);
    },
  );

  test(`${method}: a second Ctrl-C ends what the child left behind`, { skip }, async () => {
    const mark = `3${method === 'bpf' ? 1 : 2}41.59`;
    const script = `(trap 'echo asked' TERM; echo set; sleep ${mark}; sleep ${mark}) & exit 0`;
    const words = [
      lbcapPath,
      'run',
      '--method',
      method,
      'client=127.0.0.2',
      '--',
      'sh',
      '-c',
      script,
    ];
    const program = new RunningProgram(process.execPath, words);
    await program.waitFor('stderr', /waiting for what it started/);
    await program.waitFor('stdout', /set/);
    program.signal('SIGINT');
    await program.waitFor('stdout', /asked/);
    program.signal('SIGINT');
    assert.equal((await program.exited).code, 0);
    assert.deepEqual(processesWith(`sleep\0${mark}`), []);
  });

  test(
    `${method}: SIGKILL at any time leaves neither a process nor a cgroup`,
    { skip },
    async () => {
      const mark = method === 'bpf' ? '2718.28' : '2718.29';
      for (let delay = 0; delay < 200; delay += 10) {
        const program = new RunningProgram(process.execPath, [
          lbcapPath,
          'run',
          ...options,
          'sh',
          '-c',
          `sleep ${mark} & setsid sleep ${mark}`,
        ]);
        await pause(delay);
        program.signal('SIGKILL');
        assert.equal((await program.exited).signal, 'SIGKILL');
      }
      assert.ok(await within(5000, () => processesWith(mark).length === 0), 'processes are left');
      // Killed before its guard was there, a run leaves an empty directory, for the next one to remove.
      await run(...options, 'true');
      assert.ok(await within(5000, () => leftCgroups().length === 0), leftCgroups().join(' '));
    },
  );

  test(`${method}: twenty at the same time`, { skip: lacking('capture', 'curl') }, async () => {
    const runs = Array.from({ length: 20 }, async (_, index) => {
      const words = ['-q', '--method', method, `client=127.0.0.${index + 60}`, '--', ...ask()];
      return (await run(...words)).stdout;
    });
    const expected = runs.map((_, index) => `127.0.0.${index + 60}\n`);
    assert.deepEqual(await Promise.all(runs), expected);
    assert.deepEqual(leftCgroups(), []);
  });

  test(
    `${method}: works with 64 descriptors`,
    { skip: lacking('capture', 'curl', 'prlimit') },
    async () => {
      const words = ['--nofile=64:64', process.execPath, lbcapPath, 'run', ...options, ...ask()];
      assert.equal(await outputOf('prlimit', ...words), '127.0.0.2\n');
    },
  );

  test(
    `${method}: job control on a terminal`,
    { skip: lacking('capture', 'python3', 'ip', 'unshare') },
    async () => {
      const script = 'echo ready; while :; do sleep 0.05; [ -e "$0" ] && echo again; done';
      writeFileSync(join(directory, 'again'), '');
      const output = await outputOf(
        'python3',
        resolve('test/live/terminal.py'),
        process.execPath,
        lbcapPath,
        'run',
        ...options,
        'sh',
        '-c',
        script,
        join(directory, 'again'),
      );
      assert.deepEqual(output.trimEnd().split('\n'), [
        'ready',
        'shell: stopped ',
        'again',
        'shell: ended ',
        '130',
      ]);
    },
  );
}

test('the inner of two runs wins', { skip: lacking('capture', 'curl') }, async () => {
  const pairs = [
    ['bpf', 'bpf'],
    ['bpf', 'seccomp'],
    ['seccomp', 'bpf'],
  ];
  for (const [outer, inner] of pairs) {
    const words = (method: string, label: string) => ['run', '-q', '--method', method, label, '--'];
    const { stdout } = lbcap([
      ...words(outer, 'outer=127.0.0.2'),
      process.execPath,
      lbcapPath,
      ...words(inner, 'inner=127.0.0.3'),
      ...ask(),
    ]);
    assert.equal(stdout, '', 'the peer cannot answer while this process waits');
    const program = new RunningProgram(process.execPath, [
      lbcapPath,
      ...words(outer, 'outer=127.0.0.2'),
      process.execPath,
      lbcapPath,
      ...words(inner, 'inner=127.0.0.3'),
      ...ask(),
    ]);
    await program.exited;
    assert.equal(program.stdout, '127.0.0.3\n', `${inner} in ${outer}: ${program.stderr}`);
  }
});

test(
  'without rights it takes seccomp, and says so',
  { skip: lacking('capture', 'setpriv', 'curl') },
  async () => {
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const program = new RunningProgram(
      'setpriv',
      [...nobody, process.execPath, lbcapPath, 'run', 'client=127.0.0.2', '--', ...ask()],
      { ...process.env, HOME: directory },
    );
    assert.equal((await program.exited).code, 0, program.stderr);
    assert.equal(program.stdout, '127.0.0.2\n');
    assert.match(program.stderr, /using seccomp/);
    const listen = `
      const server = require('net').createServer();
      server.listen(${await freePort()}, '0.0.0.0', () => {
        console.log(server.address().address);
        server.close();
      });`;
    const server = new RunningProgram(
      'setpriv',
      [
        ...nobody,
        ...[process.execPath, lbcapPath, 'run', '--server', 'server=127.0.0.2', '--'],
        ...[process.execPath, '-e', listen],
      ],
      { ...process.env, HOME: directory },
    );
    assert.equal((await server.exited).code, 0, server.stderr);
    assert.equal(server.stdout, '127.0.0.2\n');
  },
);

test(
  'works where the cgroups are mounted read-only',
  { skip: lacking('capture', 'unshare', 'curl') },
  async () => {
    const mounts = await outputOf('cat', '/proc/self/mounts');
    const mount = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1] ?? '/sys/fs/cgroup';
    const output = await outputOf(
      'unshare',
      '-m',
      'sh',
      '-c',
      'mount -o remount,bind,ro "$0" && exec "$@"',
      mount,
      process.execPath,
      lbcapPath,
      'run',
      '-q',
      '--method',
      'bpf',
      'client=127.0.0.2',
      '--',
      ...ask(),
    );
    assert.equal(output, '127.0.0.2\n');
    assert.deepEqual(leftCgroups(), []);
  },
);

test('wrong words touch nothing', { skip }, () => {
  const status = (...words: string[]) => lbcap(['run', ...words]).status;
  assert.equal(status('client=127.0.0.2'), 2);
  assert.equal(status('client=127.0.0', '--', 'true'), 2);
  assert.equal(status('../x=127.0.0.2', '--', 'true'), 2);
  assert.equal(status('client=127.0.0.2:80', '--', 'true'), 2);
  assert.equal(status('--ipv6', 'bind', 'client=127.0.0.2', '--', 'true'), 2);
  assert.equal(status('--method', 'magic', 'client=127.0.0.2', '--', 'true'), 2);
  assert.equal(status('--bogus', 'client=127.0.0.2', '--', 'true'), 2);
  const nowhere = lbcap(['run', 'client=198.51.100.7', '--', 'true']);
  assert.equal(nowhere.status, 125);
  assert.match(nowhere.stderr, /^lbcap: no interface has 198\.51\.100\.7 [^\n]*ip address add/);
});

test(
  'the account: labelled, not labelled and why',
  { skip: lacking('capture', 'python3', 'ip', 'unshare') },
  async () => {
    const script = `
import socket
peer = ("127.0.0.1", ${peer.port})
socket.create_connection(peer).close()
socket.create_connection(peer, source_address=("", 0)).close()
socket.create_connection(peer, source_address=("127.0.0.7", 0)).close()
`;
    const file = join(directory, 'account.json');
    const { stderr } = await run(
      '--account',
      file,
      'client=127.0.0.2',
      '--',
      'python3',
      '-c',
      script,
    );
    assert.match(
      stderr,
      /1 connection labelled, 2 not \(1 EINVAL, [^;]+; 1 bound to another address/,
    );
    const account = JSON.parse(await outputOf('cat', file)) as { streams: unknown; method: string };
    assert.equal(account.method, 'bpf');
    assert.deepEqual(account.streams, { labelled: 1, failed: { EINVAL: 1 }, kept: 1 });
    const rebound = await run(
      '--json',
      '--rebind',
      'client=127.0.0.2',
      '--',
      'python3',
      '-c',
      script,
    );
    const line = JSON.parse(rebound.stderr) as { streams: unknown; rebound: number };
    assert.deepEqual(line.streams, { labelled: 2, failed: {}, kept: 1 });
    assert.equal(line.rebound, 1);
  },
);

test(
  '--watch captures the run, and is told of it',
  { skip: lacking('capture', 'curl', 'tshark') },
  async () => {
    const out = join(directory, 'watched');
    const options = ['--watch', '-o', out, '-f', `port ${peer.port}`, 'client=127.0.0.44', '--'];
    const { stdout, stderr, status } = await run(...options, ...ask());
    assert.equal(status, 0, stderr);
    assert.equal(stdout, '127.0.0.44\n');
    assert.match(stderr, /captured [0-9]+ packets into [^ ]+client\.pcap/);
    const fields = [
      '-T',
      'fields',
      '-e',
      'ip.src',
      '-Y',
      'tcp.flags.syn == 1 and tcp.flags.ack == 0',
    ];
    assert.equal(
      await outputOf('tshark', '-r', join(out, 'client.pcap'), ...fields),
      '127.0.0.44\n',
    );
    const again = await run(...options, ...ask());
    assert.equal(again.status, 125);
    assert.match(again.stderr, /client\.pcap/);
  },
);

test(
  'labels without an address get one each, at the same time',
  { skip: lacking('capture', 'curl') },
  async () => {
    const words = (name: string) => ['-q', name, '--', 'sh', '-c', `sleep 0.5; ${ask().join(' ')}`];
    const runs = await Promise.all(['one', 'two', 'three'].map((name) => run(...words(name))));
    const addresses = runs.map(({ stdout }) => stdout.trim());
    for (const address of addresses) assert.match(address, /^127\.0\.0\.[0-9]+$/);
    assert.equal(new Set([...addresses, '127.0.0.1']).size, 4, addresses.join(' '));
  },
);

for (const method of methods) {
  test(
    `${method}: a datagram socket reaches others too`,
    { skip: lacking('capture', 'python3', 'ip', 'unshare') },
    () => {
      // Bound to the label for its first datagram, it could send nothing to an address elsewhere.
      const program = `
import socket
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.bind(("127.0.0.9", 0))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for size in (3, 0, 65507):
    assert s.sendto(b"x" * size, ("127.0.0.9", peer.getsockname()[1])) == size
    data, source = peer.recvfrom(65536)
    print(len(data), source[0], source[1] == s.getsockname()[1])
print(s.getsockname()[0])
try:
    s.sendto(b"x" * 65508, ("127.0.0.9", peer.getsockname()[1]))
except OSError as error:
    print(error.errno)
s.connect(("192.0.2.9", 9))
print(s.getsockname()[0])
`;
      const options = ['--json', '--method', method, 'client=127.0.0.2', '--'];
      const { stdout, stderr } = spawnSync(
        process.execPath,
        [
          lbcapPath,
          'run',
          ...options,
          'unshare',
          '-n',
          'sh',
          '-c',
          'ip link set lo up; ip link add d0 type veth peer name d1; ip address add 192.0.2.1/24 dev d0; ip link set d0 up; exec python3 -c "$0"',
          program,
        ],
        { encoding: 'utf8' },
      );
      assert.equal(
        stdout,
        '3 127.0.0.2 True\n0 127.0.0.2 True\n65507 127.0.0.2 True\n0.0.0.0\n90\n192.0.2.1\n',
        stderr,
      );
      const { messages } = JSON.parse(stderr) as { messages: { labelled: number } };
      assert.equal(messages.labelled, method === 'bpf' ? 4 : 3);
    },
  );
}

for (const method of methods) {
  test(
    `${method}: a run that is captured ends with its program`,
    { skip: lacking('capture', 'curl') },
    async () => {
      const out = join(directory, `watched-${method}`);
      const found = await run(
        '--method',
        method,
        '--watch',
        '-o',
        out,
        'client=127.0.0.2',
        '--',
        ...ask(),
      );
      assert.equal(found.status, 0, found.stderr);
      assert.match(found.stderr, /captured [1-9][0-9]* packets into/);
    },
  );
}

const datagrams: readonly (readonly [options: readonly string[], seen: readonly string[]])[] = [
  [['client=127.0.0.2,fd00::2'], ['127.0.0.2', '127.0.0.2', '127.0.0.2', 'fd00::2', 'fd00::2']],
  [
    ['--pool', 'client=127.0.0.2-127.0.0.3,fd00::2,fd00::3'],
    ['127.0.0.2', '127.0.0.3', '127.0.0.2', 'fd00::2', 'fd00::3'],
  ],
  // The kernel does not let a datagram to ::1 be led elsewhere.
  [['client=127.0.0.2'], ['127.0.0.2', '127.0.0.2', '127.0.0.2', '::1', '::1']],
  [
    ['--ipv6', 'refuse', 'client=127.0.0.2'],
    [...Array<string>(3).fill('127.0.0.2'), ...Array<string>(2).fill('Connection refused')],
  ],
];

for (const [options, seen] of datagrams) {
  test(
    `datagrams without a connection, ${options.join(' ')}`,
    { skip: lacking('capture', 'python3', 'ip', 'unshare') },
    () => {
      const accounts = methods.map((method) => {
        const addresses = ['fd00::2', 'fd00::3'].map(
          (one) => `ip address add ${one}/128 dev lo nodad;`,
        );
        const { stdout, stderr } = spawnSync(
          'unshare',
          ['-n', 'sh', '-c', `ip link set lo up; ${addresses.join(' ')} exec "$@"`, 'sh']
            .concat([process.execPath, lbcapPath, 'run', '--method', method, ...options, '--'])
            .concat(['python3', resolve('test/scenarios/clients/datagrams.py')]),
          { encoding: 'utf8' },
        );
        const found = stdout
          .trim()
          .split('\n')
          .map((line) => line.slice(line.indexOf(' ') + 1));
        assert.deepEqual(found, seen, stderr);
        return stderr;
      });
      assert.equal(accounts[1], accounts[0]);
    },
  );
}
