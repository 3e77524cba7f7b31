import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { labelSnapshot, snapshotOf, threeLabels } from '../../fixtures/snapshots.js';
import type { Snapshot } from '../../src/sinks/snapshot.js';
import { renderTable, shorten, type Canvas } from '../../src/terminal/table.js';
import { assertInTime } from '../in-time.js';

const plain: Canvas = { width: 80, height: Infinity, colour: false, unicode: true };

function table(width: number, current: Snapshot = threeLabels(1)): string {
  return `\n${renderTable(threeLabels(0), current, { ...plain, width }).join('\n')}\n`;
}

describe('the table at', () => {
  test('200 columns', () => {
    assert.equal(
      table(200),
      `
                                 out              in          per second                  tcp
label         address       packets  bytes  packets  bytes  bytes  packets  open  resets  retrans  no reply  busiest peer
────────────  ────────────  ───────  ─────  ───────  ─────  ─────  ───────  ────  ──────  ───────  ────────  ──────────────
kafka-client  127.0.0.2       8,345   771k    9,200    91M    88k      545     3       0        2         0  127.0.0.1:9092
loadgen       127.0.1.0/28    1,280    87k      900    49k   8.8k       80    12      14        0         1  127.0.0.1:6379
idle          [::1]:9092          0      0        0      0      0        0     0       0        0         0
────────────  ────────────  ───────  ─────  ───────  ─────  ─────  ───────  ────  ──────  ───────  ────────  ──────────────
total                         9,625   858k   10,100    91M    97k      625    15      14        2         1
captured 19,725 packets, 91M · kernel dropped 0 · interface dropped not known · others 0 · 1:12
`,
    );
  });

  test('120 columns', () => {
    assert.equal(
      table(120),
      `
                                 out              in          per second             tcp
label         address       packets  bytes  packets  bytes  bytes  packets  open  rst  retr  syn?  busiest peer
────────────  ────────────  ───────  ─────  ───────  ─────  ─────  ───────  ────  ───  ────  ────  ──────────────
kafka-client  127.0.0.2       8,345   771k    9,200    91M    88k      545     3    0     2     0  127.0.0.1:9092
loadgen       127.0.1.0/28    1,280    87k      900    49k   8.8k       80    12   14     0     1  127.0.0.1:6379
idle          [::1]:9092          0      0        0      0      0        0     0    0     0     0
────────────  ────────────  ───────  ─────  ───────  ─────  ─────  ───────  ────  ───  ────  ────  ──────────────
total                         9,625   858k   10,100    91M    97k      625    15   14     2     1
captured 19,725 packets, 91M · kernel dropped 0 · interface dropped not known · others 0 · 1:12
`,
    );
  });

  test('80 columns', () => {
    assert.equal(
      table(80),
      `
                               out              in           /s        tcp
label         address     packets  bytes  packets  bytes  bytes  open  rst  retr
────────────  ──────────  ───────  ─────  ───────  ─────  ─────  ────  ───  ────
kafka-client  127.0.0.2     8,345   771k    9,200    91M    88k     3    0     2
loadgen       127.0…0/28    1,280    87k      900    49k   8.8k    12   14     0
idle          [::1]:9092        0      0        0      0      0     0    0     0
────────────  ──────────  ───────  ─────  ───────  ─────  ─────  ────  ───  ────
total                       9,625   858k   10,100    91M    97k    15   14     2
captured 19,725 packets, 91M · kernel dropped 0 · interface dropped not known
others 0 · unanswered SYNs 1 · 1:12
`,
    );
  });

  test('60 columns', () => {
    assert.equal(
      table(60),
      `
                out     in     /s           tcp
label         bytes  bytes  bytes  open  rst  retr  syn?
────────────  ─────  ─────  ─────  ────  ───  ────  ────
kafka-client   771k    91M    88k     3    0     2     0
loadgen         87k    49k   8.8k    12   14     0     1
idle              0      0      0     0    0     0     0
────────────  ─────  ─────  ─────  ────  ───  ────  ────
total          858k    91M    97k    15   14     2     1
captured 19,725 packets, 91M · kernel dropped 0
interface dropped not known · others 0 · 1:12
`,
    );
  });

  test('40 columns', () => {
    assert.equal(
      table(40),
      `
                out     in     /s  tcp
label         bytes  bytes  bytes  rst
────────────  ─────  ─────  ─────  ───
kafka-client   771k    91M    88k    0
loadgen         87k    49k   8.8k   14
idle              0      0      0    0
────────────  ─────  ─────  ─────  ───
total          858k    91M    97k   14
captured 19,725 packets, 91M
kernel dropped 0
interface dropped not known · others 0
retransmissions 2 · unanswered SYNs 1
1:12
`,
    );
  });
});

test('one label has no total; without a time before, the rates are means', () => {
  const { labels } = threeLabels(1);
  const one = snapshotOf([...labels].slice(0, 1), { elapsed: 65_000 });
  const lines = renderTable(null, one, { ...plain, width: 120 });
  assert.equal(
    `\n${lines.join('\n')}\n`,
    `
                              out              in          average/s                   tcp
label         address    packets  bytes  packets  bytes  bytes  packets  open  resets  retrans  no reply  busiest peer
────────────  ─────────  ───────  ─────  ───────  ─────  ─────  ───────  ────  ──────  ───────  ────────  ──────────────
kafka-client  127.0.0.2    8,345   771k    9,200    91M   1.4M      270     3       0        2         0  127.0.0.1:9092
captured 17,545 packets, 91M · kernel dropped 0 · interface dropped not known · others 0 · 1:05
`,
  );
});

test('no line is wider than the terminal, whatever is in it', () => {
  const long = labelSnapshot(
    `a${'-very'.repeat(12)}`,
    Array.from({ length: 20 }, (_, i) => `127.0.${String(i)}.0/28`).join(','),
    [1e12, 1e15, 1e12, 1e15],
    { open: 1e6, resets: 1e6, retransmissions: 1e6, unanswered: 1e6 },
    '[fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535',
  );
  const snapshot = snapshotOf([...threeLabels(1).labels, long], {
    unclassified: 12,
    flowsEvicted: 5,
    counters: { received: 1, kernelDropped: 3, interfaceDropped: 4 },
  });
  for (let width = 20; width < 260; width++) {
    for (const unicode of [true, false]) {
      const lines = renderTable(null, snapshot, { ...plain, width, unicode });
      for (const line of lines) assert.ok(line.length <= width, `${String(width)}: ${line}`);
    }
  }
});

test('not more lines than the screen has; the busiest labels stay', () => {
  const labels = Array.from({ length: 1000 }, (_, i) =>
    labelSnapshot(`client-${String(i)}`, '127.1.0.1', [1, i, 0, 0]),
  );
  for (const height of [1, 3, 8, 12, 24]) {
    const lines = renderTable(null, snapshotOf(labels), { ...plain, height });
    assert.ok(lines.length <= height, `${String(lines.length)} lines of ${String(height)}`);
    if (height < 12) continue;
    assert.match(lines.join('\n'), /client-999 /);
    assert.match(lines.join('\n'), /… and 9\d\d more\n/);
    assert.match(lines.join('\n'), /\ntotal /);
  }
  const exactly = renderTable(null, snapshotOf(labels.slice(0, 10)), { ...plain, height: 17 });
  assert.equal(exactly.length, 17);
  assert.doesNotMatch(exactly.join('\n'), /more/);
});

test('65,536 labels are drawn in good time', async () => {
  const labels = Array.from({ length: 65_536 }, (_, i) =>
    labelSnapshot(`client-${String(i)}`, '127.1.0.1', [1, (i * 7919) % 65_536, 0, 0]),
  );
  const snapshot = snapshotOf(labels);
  // A redraw must not keep a capture waiting: timers and Ctrl-C answer within 0.2 s.
  await assertInTime(200, () => {
    const start = performance.now();
    const lines = renderTable(snapshot, { ...snapshot, at: 11_000 }, { ...plain, height: 24 });
    const took = performance.now() - start;
    assert.equal(lines.length, 24);
    return took;
  });
});

describe('beneath the table', () => {
  const notes = (more: Partial<Snapshot>): string =>
    renderTable(null, snapshotOf([labelSnapshot('a', '127.0.0.2', [600, 9, 400, 9])], more), {
      ...plain,
      width: 200,
    }).at(-1) ?? '';

  test('what is not known is never 0', () => {
    const counters = { received: 2000, kernelDropped: 0, interfaceDropped: null };
    assert.equal(
      notes({ counters }),
      'captured 1,000 packets, 18 · kernel dropped 0 · interface dropped not known · others 0 · 5.0 s',
    );
    assert.match(
      notes({ counters: { received: null, kernelDropped: null, interfaceDropped: null } }),
      / drops not known /,
    );
    assert.match(
      notes({ counters: { received: 1, kernelDropped: null, interfaceDropped: 0 } }),
      / kernel dropped not known · interface dropped 0 /,
    );
  });

  test('losses come with their part of all', () => {
    const counters = { received: 2000, kernelDropped: 250, interfaceDropped: 1_000_000 };
    assert.match(
      notes({ counters }),
      / kernel dropped 250 \(20 %\) · interface dropped 1,000,000 \(100 %\) /,
    );
    assert.match(notes({ unclassified: 5 }), / unclassified 5 \(0\.5 %\) /);
    assert.match(notes({ flowsEvicted: 1234 }), / TCP health is partial: 1,234 flows forgotten /);
  });
});

test('colour marks trouble and nothing else; taken away, the text is the same', () => {
  const coloured = renderTable(threeLabels(0), threeLabels(1), {
    ...plain,
    width: 120,
    colour: true,
  });
  const text = renderTable(threeLabels(0), threeLabels(1), { ...plain, width: 120 });
  assert.deepEqual(
    coloured.map((line) => stripVTControlCharacters(line).trimEnd()),
    text,
  );
  assert.match(coloured.join('\n'), /\u001b\[33m14\u001b\[39m/);
  assert.match(coloured.join('\n'), /\u001b\[31m1\u001b\[39m/);
  assert.doesNotMatch(text.join('\n'), /\u001b/);
});

test('texts are cut in the middle', () => {
  assert.equal(shorten('loadgen-000001', 9, true), 'load…0001');
  assert.equal(shorten('loadgen-000001', 2, true), 'l…');
  assert.equal(shorten('loadgen', 7, true), 'loadgen');
  assert.equal(shorten('loadgen', 6, false), 'loa~en');
  assert.equal(shorten('loadgen', 0, true), '');
});
