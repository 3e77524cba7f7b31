import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { concat, ethernet, ipv4, pcapFile, udp, type Packet } from '../../fixtures/frames.js';
import { SectionWriter } from '../../fixtures/pcapng.js';
import { createRandom } from '../../fixtures/random.js';
import { lbcap, lbcapPath } from '../cli/lbcap.js';

const directory = mkdtempSync(join(tmpdir(), 'lbcap-'));
after(() => rmSync(directory, { recursive: true }));
const at = (name: string): string => join(directory, name);

function packets(seed: number, count: number): Packet[] {
  const random = createRandom(seed);
  let time = 0;
  return Array.from({ length: count }, (_, index) => {
    time += random.integer(100_000);
    const data = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(seed, index, index % 700)));
    return { seconds: 1_700_000_000 + Math.floor(time / 1e6), fraction: time % 1e6, data };
  });
}

describe('captures merged by time', () => {
  it('come out as mergecap has them', () => {
    writeFileSync(at('a.pcap'), pcapFile(packets(1, 3000)));
    writeFileSync(at('b.pcap.gz'), gzipSync(pcapFile(packets(5, 500), { bigEndian: true })));
    const w = new SectionWriter(true);
    const blocks = packets(3, 2000).map(({ seconds = 0, fraction = 0, data }) =>
      w.enhanced(0, BigInt(seconds) * 1_000_000n + BigInt(fraction), data),
    );
    writeFileSync(at('c.pcapng'), concat(w.header(), w.interface(1), ...blocks));
    const inputs = ['a.pcap', 'b.pcap.gz', 'c.pcapng'].map(at);
    execFileSync('mergecap', ['-F', 'pcap', '-w', at('merged.pcap'), ...inputs], {
      stdio: 'ignore',
    });
    const ended = lbcap(['split', '--merge', ...inputs, '-l', 'all=127.0.0.0/8', '-o', at('out')]);
    assert.equal(ended.status, 0, ended.stderr);
    const [ours, theirs] = [at('out/all.pcap'), at('merged.pcap')].map((path) =>
      readFileSync(path),
    );
    assert.ok(ours.subarray(24).equals(theirs.subarray(24)));
  });

  it('tell of damage in one, and give the others whole', () => {
    const whole = pcapFile(packets(5, 100));
    writeFileSync(at('whole.pcap'), pcapFile(packets(4, 100)));
    writeFileSync(at('cut.pcap'), whole.subarray(0, whole.length - 1));
    const words = ['split', '--merge', at('cut.pcap'), at('whole.pcap'), '-l', 'a=127.0.0.2'];
    const ended = lbcap([...words, '-o', at('damaged')]);
    assert.equal(ended.status, 1);
    assert.match(ended.stderr, /cut\.pcap is damaged at byte/);
    assert.match(ended.stderr, /199 packets in = 199/);
    const repaired = lbcap([...words, '--repair', '-o', at('repaired')]);
    assert.equal(repaired.status, 0, repaired.stderr);
    assert.match(repaired.stderr, /199 packets in = 199/);
    assert.match(repaired.stderr, /bytes left out, at 1 place/);
  });
});

describe('a capture that grows', () => {
  it('is followed until Ctrl-C', async () => {
    const all = pcapFile(packets(6, 300));
    const path = at('growing.pcap');
    writeFileSync(path, all.subarray(0, 10));
    const out = at('followed');
    const child = spawn(process.execPath, [
      lbcapPath,
      ...['split', '--follow', path, '-l', 'a=127.0.0.2', '-o', out],
    ]);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const size = (): number => statSync(join(out, 'a.pcap'), { throwIfNoEntry: false })?.size ?? 0;
    const step = 7777;
    for (let written = 10; written < all.length; written += step) {
      appendFileSync(path, all.subarray(written, written + step));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const until = Date.now() + 20_000;
    while (size() < all.length && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    appendFileSync(path, all.subarray(24, 50));
    child.kill('SIGINT');
    assert.equal(await ended, 0, stderr);
    assert.ok(readFileSync(join(out, 'a.pcap')).equals(all));
  });
});
