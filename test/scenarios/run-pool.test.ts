/** `run --pool`: one unmodified program holds more connections to one port than an address has ports. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lacking } from '../requirements.js';
import { RunningProgram } from './process.js';
import { lbcapProgram } from './watch.js';

const connections = 100_000;
const addresses = 8;
const directory = mkdtempSync(join(tmpdir(), 'lbcap-pool-'));
const program = join(directory, 'hold');

after(() => {
  rmSync(directory, { recursive: true, force: true });
});

const skip = lacking('capture', 'gcc');

function build(): void {
  execFileSync('gcc', ['-O1', '-o', program, 'test/scenarios/clients/hold.c']);
}

for (const [method, count] of [
  ['bpf', connections],
  ['seccomp', 40_000],
] as const) {
  test(`${method}: ${count} connections over ${addresses} addresses`, { skip }, async () => {
    build();
    const server = new RunningProgram(program, ['serve']);
    await server.waitFor('stdout', /port [0-9]+\n/);
    const port = /[0-9]+/.exec(server.stdout)?.[0] ?? '';
    // Enough for all: one address holds 28,232, the ephemeral ports of Linux being what they are.
    const words = ['run', '--json', '--pool', '--method', method, 'pool=127.0.40.8/29', '--'];
    const client = new RunningProgram(process.execPath, [
      lbcapProgram(),
      ...words,
      program,
      'connect',
      port,
      String(count),
    ]);
    try {
      await client.waitFor('stdout', /(held|failed).*\n/, 180_000);
      assert.equal(client.stdout, `held ${count}\n`);
    } finally {
      await client.end('SIGTERM', 30_000);
      await server.end('SIGTERM', 30_000);
    }
    // As the server saw them.
    const seen = server.stdout.trimEnd().split('\n').slice(1);
    assert.equal(seen.length, addresses, server.stdout);
    for (const line of seen) {
      const each = Number(line.split(' ')[1]);
      assert.ok(Math.abs(each - count / addresses) <= count / addresses / 100, line);
    }
    const account = JSON.parse(client.stderr) as {
      streams: { labelled: number; failed: object };
      addresses: { address: string; streams: number }[];
    };
    assert.equal(account.streams.labelled, count);
    assert.deepEqual(account.streams.failed, {});
    // The account agrees with the server.
    assert.deepEqual(
      account.addresses.map(({ address, streams }) => `${address} ${streams}`),
      seen,
    );
  });
}
