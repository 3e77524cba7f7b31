import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { Conversation, pcapOf, type Frame } from '../../fixtures/tcp-conversations.js';
import { findCaptures } from '../../src/handover/capture-paths.js';
import { makeReport, type MadeReport } from '../../src/handover/make-report.js';
import { reportMarkdown } from '../../src/handover/markdown.js';
import { parseLabel } from '../../src/labels/parse.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-label-choice-'));
after(() => rmSync(root, { recursive: true }));
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(root, 'case-'));
});

function between(client: string, server: string, at = 1000): Frame[] {
  return new Conversation({ client, server, at }).open().data('client', 10).frames;
}

async function made(...labels: readonly (readonly [string, string])[]): Promise<MadeReport> {
  const captures = await findCaptures([directory]);
  const given = labels.map(([name, address]) => parseLabel(name, [address]));
  return makeReport({ captures, labels: given, hops: Infinity });
}

function names({ report }: MadeReport): string[] {
  return report.labels.map(({ name, address }) => `${name}=${address}`);
}

describe('labels of a report', () => {
  it('shows hops by address where no label has packets', async () => {
    writeFileSync(join(directory, 'others.pcap'), pcapOf(between('127.0.0.9', '127.0.0.1')));
    const { report } = await made(['a', '127.0.0.2'], ['b', '127.0.0.3']);
    assert.equal(report.hops.total.connections, 1);
    assert.equal(report.hops.rows[0]?.from.address, '127.0.0.9');
    assert.deepEqual([report.labels, report.silent], [[], ['a', 'b']]);
    const text = reportMarkdown(report);
    assert.match(text, /^None of the labels given or in the registry has packets here: hops/m);
    assert.doesNotMatch(text, /not looked into/);
    const unlabelled = (await made()).report;
    assert.deepEqual(report.hops, unlabelled.hops);
    assert.match(reportMarkdown(unlabelled), /^None: hops are shown by address/m);
  });

  it('takes no name from a file whose packets all have an address of a label', async () => {
    const frames = between('127.0.0.2', '127.0.0.3');
    writeFileSync(join(directory, 'all.pcap'), pcapOf(frames));
    const given = await made(['kafka-client', '127.0.0.2']);
    assert.deepEqual(names(given), ['kafka-client=127.0.0.2']);
    assert.deepEqual(given.undecided, []);
  });

  it('takes no name from a file that is cut', async () => {
    const whole = pcapOf([
      ...between('127.0.0.2', '127.0.0.1'),
      ...between('127.0.0.3', '127.0.0.1', 2000),
    ]);
    writeFileSync(join(directory, 'web.pcap'), whole.subarray(0, 300));
    const cut = await made();
    assert.ok((cut.report.files[0]?.packets ?? 0) > 1);
    assert.deepEqual(names(cut), []);
  });
});
