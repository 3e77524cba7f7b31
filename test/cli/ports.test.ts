/** `lbcap ports` as it is typed: what it refuses, and the pools that it plans. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { complaints, lbcap, type Ended } from './lbcap.js';

const cwd = mkdtempSync(join(tmpdir(), 'lbcap-'));
const env = { ...process.env, XDG_CONFIG_HOME: join(cwd, 'config') };
const ports = (...words: string[]): Ended => lbcap(['ports', ...words], { cwd, env });

function assertRefused(ended: Ended, ...words: RegExp[]): void {
  assert.equal(ended.status, 2, ended.stderr);
  assert.equal(ended.stdout, '');
  assert.equal(complaints(ended).length, 1);
  assert.match(ended.stderr, /^lbcap: [^\n]*\n$/);
  for (const word of words) assert.match(ended.stderr, word);
}

before(() => {
  const labels = { a: '127.0.0.3', load: '127.0.5.0/30', broker: '127.0.0.1:9092' };
  writeFileSync(join(cwd, 'lbcap.json'), JSON.stringify({ labels }));
});
after(() => {
  rmSync(cwd, { recursive: true });
});

describe('lbcap ports refuses', () => {
  it('numbers and times that are none', () => {
    for (const count of ['0', '-1', '1.5', '1e5', 'many', '', '9'.repeat(13)]) {
      assertRefused(ports(`--connections=${count}`), /--connections/);
    }
    for (const time of ['0', 'soon', '-1s', '1x', '1000h']) {
      assertRefused(ports('-l', 'a', `--interval=${time}`), /--interval/);
    }
    assertRefused(ports('-l', 'a', '--interval', '99ms'), /--interval 99ms .*100ms/);
  });

  it('options that contradict each other', () => {
    assertRefused(ports('--connections', '5', '--watch'), /--watch/, /--connections/);
    assertRefused(ports('--connections', '5', '--interval', '1s'), /--interval/);
    assertRefused(ports('--connections', '5', '-l', 'a', '-l', 'load'), /one label/);
  });

  it('labels that are wrong, or none', () => {
    assertRefused(ports('-l', 'a=127.0.0.256'), /127\.0\.0\.256/);
    assertRefused(ports('-l', 'new'), /"new"/);
    assertRefused(ports('-l', 'b=127.0.5.1'), /overlap/);
    assertRefused(ports('--connections', '5', '-l', 'new'), /"new"/);
    assertRefused(ports('--connections', '5', '-l', 'broker'), /"broker" has a port/);
    const nowhere = lbcap(['ports'], { cwd: '/', env });
    assertRefused(nowhere, /there are no labels/);
  });

  it('more addresses than a pool has, and words that it does not know', () => {
    assertRefused(ports('--connections', '999999999999'), /takes [0-9]+ addresses/, /65536/);
    assertRefused(ports('--bogus'), /--bogus/);
    assertRefused(ports('bogus'), /too many arguments/);
  });
});

describe('lbcap ports --connections', () => {
  /** Of the machine's own range, whatever listens in it. */
  function planned(count: number, ...words: string[]): { address: string; addresses: number } {
    const ended = ports('--connections', String(count), '--json', ...words);
    assert.equal(ended.status, 0, ended.stderr);
    const plan = JSON.parse(ended.stdout) as {
      address: string;
      addresses: number;
      needed: number;
      perAddress: number;
    };
    assert.equal(plan.needed, Math.ceil(count / plan.perAddress));
    return plan;
  }

  it('gives a new label the next free addresses', () => {
    const { status, stdout, stderr } = ports('--connections', '1');
    assert.equal(status, 0);
    assert.equal(stdout, 'load-2=127.0.0.2\n', 'load is taken');
    assert.match(stderr, /^lbcap: 1 connections? to one server take one address, for [0-9,]+ each/);
    assert.match(
      stderr,
      /^lbcap: use them with: lbcap run --pool load-2=127\.0\.0\.2 -- COMMAND$/m,
    );
    const { perAddress } = planned(1) as unknown as { perAddress: number };
    assert.equal(planned(perAddress).addresses, 1);
    assert.equal(planned(perAddress + 1).address, '127.0.0.2,127.0.0.4');
    assert.match(ports('--connections', String(perAddress)).stderr, /2 addresses keep it fast/);
  });

  it('leaves a label that has enough, and adds to one that has not', () => {
    assert.equal(planned(1, '-l', 'load').address, '127.0.5.0/30');
    const { perAddress } = planned(1) as unknown as { perAddress: number };
    assert.equal(
      planned(5 * perAddress, '-l', 'load').address,
      '127.0.5.0/30,127.0.0.2',
      'those of other labels stay taken',
    );
    assert.equal(planned(2 * perAddress, '-l', 'x=127.0.7.1').address, '127.0.7.1,127.0.0.2');
    assert.match(ports('--connections', '1', '-l', 'load').stderr, /load has 4 already/);
  });
});
