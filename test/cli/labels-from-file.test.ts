/** `split --labels-from-file`: which names it takes, against tshark's resolution from the same file. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { concat, ethernet, ipv4, ipv6, pcapFile, udp, type Bytes } from '../../fixtures/frames.js';
import { SectionWriter } from '../../fixtures/pcapng.js';
import { lacking } from '../requirements.js';
import { complaints, lbcap } from './lbcap.js';

const skip = lacking('tshark');
const root = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
let out = '';
let count = 0;
beforeEach(() => {
  directory = join(root, String(count++));
  out = join(directory, 'out');
  mkdirSync(directory);
});

/** Two clients that have names, one over IPv6, and one that has none, by turns. */
function frames(): Bytes[] {
  return Array.from({ length: 60 }, (_, index) => {
    const payload = udp(5000, 9092, index);
    if (index % 3 === 0) return ethernet(0x86dd, ipv6('fd00::2', '::1', payload));
    return ethernet(0x0800, ipv4(`127.0.0.${1 + (index % 3)}`, '127.0.0.1', payload));
  });
}

function pcapng(bigEndian: boolean, names: readonly [address: string, name: string][]): string {
  const section = new SectionWriter(bigEndian);
  const packets = frames().map((data, index) =>
    section.enhanced(0, 1_700_000_000_000_000n + BigInt(index), data),
  );
  const path = join(directory, 'in.pcapng');
  // The names come last, as tshark writes them: every packet is theirs all the same.
  writeFileSync(
    path,
    concat(section.header(), section.interface(1), ...packets, section.names(...names)),
  );
  return path;
}

/** The records that tshark finds by a name, as a classic pcap has them. */
function byName(input: string, filter: string): Buffer {
  const path = join(directory, 'selected.pcap');
  execFileSync('tshark', ['-2', '-N', 'n', '-r', input, '-Y', filter, '-F', 'pcap', '-w', path], {
    stdio: 'ignore',
  });
  return readFileSync(path).subarray(24);
}

describe('split --labels-from-file', () => {
  for (const bigEndian of [false, true]) {
    it(`names files as the capture names addresses: big-endian ${bigEndian}`, { skip }, () => {
      const input = pcapng(bigEndian, [
        ['127.0.0.2', 'client'],
        ['fd00::2', 'six'],
      ]);
      const ended = lbcap(['split', input, '--labels-from-file', '-o', out, '--format', 'pcap']);
      assert.equal(ended.status, 0, ended.stderr);
      assert.deepEqual(readdirSync(out).sort(), ['client.pcap', 'six.pcap']);
      for (const [name, filter] of [
        ['client', 'ip.host == "client"'],
        ['six', 'ipv6.host == "six"'],
      ]) {
        const expected = byName(input, filter);
        assert.ok(expected.length > 0, name);
        // tshark writes in this machine's byte order, whatever it read.
        const ours = byName(join(out, `${name}.pcap`), 'frame');
        assert.ok(ours.equals(expected), name);
      }
    });
  }

  it('leaves to given labels their addresses and their names', () => {
    const input = pcapng(false, [
      ['127.0.0.2', 'client'],
      ['127.0.0.3', 'mine'],
      ['fd00::2', '../six'],
    ]);
    const words = ['-l', 'mine=127.0.0.2', '--labels-from-file', '-o', out];
    const ended = lbcap(['split', input, ...words]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.deepEqual(readdirSync(out), ['mine.pcap']);
  });

  it('says so when there is no name at all', () => {
    const classic = join(directory, 'classic.pcap');
    writeFileSync(classic, pcapFile(frames().map((data) => ({ data }))));
    for (const input of [classic, pcapng(false, [])]) {
      const ended = lbcap(['split', input, '--labels-from-file', '-o', out]);
      assert.equal(ended.status, 2);
      assert.equal(complaints(ended).length, 1, ended.stderr);
      assert.match(
        complaints(ended)[0] ?? '',
        /no address has a name in .*: only pcapng carries names: .*--label/,
      );
      assert.ok(!existsSync(out));
    }
    const ended = lbcap(['split', classic, '--labels-from-file', '-l', 'a=127.0.0.2', '-o', out]);
    assert.equal(ended.status, 0, ended.stderr);
    assert.deepEqual(readdirSync(out), ['a.pcap']);
  });

  it('refuses standard input, which cannot be read twice', () => {
    const input = readFileSync(pcapng(false, [['127.0.0.2', 'client']]));
    const ended = lbcap(['split', '-', '--labels-from-file', '-o', out], { input });
    assert.equal(ended.status, 2);
    assert.match(complaints(ended)[0] ?? '', /standard input: it would have to be read twice/);
    assert.ok(!existsSync(out));
  });
});
