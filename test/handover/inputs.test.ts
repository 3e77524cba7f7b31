import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { Conversation, pcapOf } from '../../fixtures/tcp-conversations.js';
import { LbcapError } from '../../src/errors.js';
import { findCaptures } from '../../src/handover/capture-paths.js';
import { makeReport, type MadeReport } from '../../src/handover/make-report.js';
import { reportMarkdown } from '../../src/handover/markdown.js';
import { parseLabel } from '../../src/labels/parse.js';
import { together } from '../../src/sources/several.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-report-inputs-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(root, 'case-'));
});

const good = pcapOf(new Conversation({ client: '127.0.0.2' }).open().data('client', 10).frames);

async function made(...words: readonly string[]): Promise<MadeReport> {
  return makeReport({ captures: await findCaptures(words), labels: [], hops: 40 });
}

describe('captures of a report', () => {
  it('passes over what a directory lists and does not have', async () => {
    symlinkSync('gone.pcap', join(directory, 'dangling.pcap'));
    writeFileSync(join(directory, 'good.pcap'), good);
    const { report, error } = await made(directory);
    assert.equal(error, null);
    assert.deepEqual(
      report.files.map(({ name }) => name),
      ['good.pcap'],
    );
    await assert.rejects(findCaptures([join(directory, 'dangling.pcap')]), { code: 'INPUT_IO' });
  });

  it('leaves the words of a complaint alone where a file is called like one', async () => {
    mkdirSync(join(directory, 'other'));
    writeFileSync(join(directory, 'other', 'is'), good);
    writeFileSync(join(directory, 'is'), good.subarray(0, 150));
    const before = process.cwd();
    process.chdir(directory);
    try {
      const { report } = await made('other/is', 'is');
      const what = report.files.map(({ damage }) => damage?.what).find(Boolean);
      assert.match(what ?? '', /^is is damaged at byte \d+: cut inside/);
    } finally {
      process.chdir(before);
    }
  });

  it('shows a name with signs of a replacement as it is', async () => {
    const path = join(directory, "$'$&.pcap");
    writeFileSync(path, good.subarray(0, 150));
    const [file] = (await made(path)).report.files;
    assert.match(file?.damage?.what ?? '', /^\$'\$&\.pcap is damaged at byte/);
  });

  it('keeps the code of what went wrong first, and gives no advice twice', async () => {
    writeFileSync(join(directory, 'a.pcap'), 'this is no capture, whatever it is called');
    writeFileSync(join(directory, 'b.pcap'), 'this is no capture, whatever it is called');
    writeFileSync(join(directory, 'good.pcap'), good);
    const { error } = await made(directory);
    assert.equal(error?.code, 'INPUT_FORMAT');
    assert.match(error.message, /a\.pcap .*b\.pcap/);
    const one = new LbcapError('INPUT_IO', 'x', 'cut here; try again');
    const two = together(one, new LbcapError('INPUT_IO', 'y', 'cut there; try again'));
    assert.equal(two.message, 'x: cut here; try again; y: cut there');
    assert.equal(together(two, one).message, 'x: cut here; try again; y: cut there; x');
  });

  it('writes filters that can be copied', async () => {
    writeFileSync(join(directory, 'a|b.pcap'), good);
    const captures = await findCaptures([directory]);
    const labels = [parseLabel('a', ['127.0.0.2', '127.0.0.4'])];
    const text = reportMarkdown((await makeReport({ captures, labels, hops: 40 })).report);
    assert.match(text, /\| `ip\.addr==127\.0\.0\.2 or ip\.addr==127\.0\.0\.4` \|/);
    assert.match(text, /-Y 'ip\.addr==127\.0\.0\.2 or ip\.addr==127\.0\.0\.4'/);
    assert.match(text, /^\| `a\\\|b\.pcap` \|/m);
  });
});
