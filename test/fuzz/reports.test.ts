import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import fc from 'fast-check';
import { LbcapError } from '../../src/errors.js';
import { findCaptures } from '../../src/handover/capture-paths.js';
import { makeReport } from '../../src/handover/make-report.js';
import { terminalJson } from '../../src/handover/markdown-text.js';
import { reportMarkdown } from '../../src/handover/markdown.js';
import { change, changed, corpus } from './changes.js';
import { fuzz } from './fuzz.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-fuzz-'));
after(() => rmSync(root, { recursive: true }));

const altered = fc.record({
  which: fc.nat(corpus.length - 1),
  changes: fc.array(change, { maxLength: 3 }),
});

it('reports of captures that nobody made add up', async () => {
  await fuzz(
    'changed-reports',
    150,
    fc.asyncProperty(fc.array(altered, { minLength: 1, maxLength: 3 }), async (list) => {
      const directory = mkdtempSync(join(root, 'case-'));
      for (const [index, { which, changes }] of list.entries()) {
        const bytes = changed(corpus[which], changes);
        writeFileSync(join(directory, `${index}.pcap`), bytes);
      }
      try {
        const captures = await findCaptures([directory]);
        const { report, error } = await makeReport({ captures, labels: [], hops: Infinity });
        const { files, packets, hops, labels } = report;
        assert.equal(files.length, list.length);
        assert.equal(
          error === null,
          files.every(({ damage }) => damage === null),
        );
        const inFiles = files.reduce((sum, file) => sum + file.packets, 0);
        assert.equal(packets.read, inFiles, 'both passes read the same');
        assert.ok(packets.distinct <= packets.read);
        assert.equal(packets.distinct, packets.labelled + packets.others);
        if (labels.length > 0) {
          const inHops = hops.rows.reduce((sum, row) => sum + row.out.packets + row.in.packets, 0);
          assert.equal(inHops + packets.withoutHop, packets.labelled);
        }
        assert.doesNotMatch(reportMarkdown(report), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
        assert.deepEqual(JSON.parse(terminalJson(report)), report);
      } catch (caught) {
        // Nothing at all could be read.
        if (!(caught instanceof LbcapError)) throw caught;
        assert.match(caught.code, /^INPUT_(FORMAT|DAMAGED)$/);
      } finally {
        rmSync(directory, { recursive: true });
      }
    }),
  );
});
