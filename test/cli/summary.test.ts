/** The words after a capture: which file they offer when not all are complete. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ethernet, ipv4, pcapFile, udp, type Packet } from '../../fixtures/frames.js';
import { threeLabels } from '../../fixtures/snapshots.js';
import { conclusion } from '../../src/cli/summary.js';
import type { WrittenFile } from '../../src/sinks/output.js';
import { lacking } from '../requirements.js';
import { lbcap } from './lbcap.js';

const snapshot = threeLabels(1);
const announced = Array.from(snapshot.labels, ({ name, address }) => ({
  name,
  address,
  filters: { bpf: '', wireshark: '' },
  file: `${name}.pcap`,
}));

function file(output: number, path: string, complete = true): WrittenFile {
  return { output, path, size: 1000, packets: 10, complete };
}

function offered(files: readonly WrittenFile[]): string | null {
  const line = conclusion(snapshot, announced, files).find((each) => each.startsWith('open it'));
  return line === undefined ? null : line.replace('open it with: wireshark ', '');
}

describe('the file that is offered', () => {
  it("is the busiest label's newest", () => {
    const files = [file(0, 'a.1'), file(0, 'a.2'), file(1, 'b.1'), file(3, 'others')];
    assert.equal(offered(files), 'a.2');
  });

  it('is complete, or there is none', () => {
    assert.equal(offered([file(0, 'a.1'), file(0, 'a.2', false), file(1, 'b')]), 'a.1');
    assert.equal(offered([file(0, 'a', false), file(1, 'b'), file(2, 'c')]), 'b');
    assert.equal(offered([file(0, 'a', false), file(3, 'others')]), null);
  });
});

describe('lbcap split on a full disk', { skip: lacking('capture') }, () => {
  const small = mkdtempSync(join(tmpdir(), 'lbcap-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
  after(() => {
    execFileSync('umount', [small]);
    rmSync(small, { recursive: true });
  });

  it('does not offer the file that failed', () => {
    const input = mkdtempSync(join(tmpdir(), 'lbcap-'));
    after(() => {
      rmSync(input, { recursive: true });
    });
    const path = join(input, 'in.pcap');
    const data = ethernet(0x0800, ipv4('127.0.0.2', '127.0.0.1', udp(5000, 9092, 1000)));
    writeFileSync(path, pcapFile(new Array<Packet>(3000).fill({ data })));
    const ended = lbcap(['split', path, '-l', 'a=127.0.0.2', '-o', small]);
    assert.equal(ended.status, 1);
    assert.match(ended.stderr, /a\.pcap +incomplete/);
    assert.match(ended.stderr, /cannot write .*a\.pcap: the disk is full/);
    assert.doesNotMatch(ended.stderr, /open it with/);
  });
});
