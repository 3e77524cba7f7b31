import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { parseLabel } from '../../src/labels/parse.js';
import type { PortReport } from '../../src/loopback/port-report.js';
import type { AddressUsage, LabelUsage } from '../../src/loopback/port-usage.js';
import { portRows } from '../../src/terminal/port-rows.js';
import { renderPorts } from '../../src/terminal/port-table.js';
import { createPortView, portLine } from '../../src/terminal/port-view.js';
import { Paper, Surroundings } from './paper.js';

const plain = { width: 120, height: Infinity, colour: false, unicode: true };

function labelUsage(
  name: string,
  text: string,
  addresses: number,
  servers: Record<
    string,
    readonly (readonly [address: string, established: number, waiting: number])[]
  >,
): LabelUsage {
  return {
    label: parseLabel(name, [text]),
    addresses,
    perAddress: 28_232,
    servers: Object.entries(servers).map(([server, list]) => {
      const each = list.map(([address, established, waiting]): AddressUsage => ({
        address,
        used: established + waiting,
        reusable: 0,
        states: { ESTABLISHED: established, TIME_WAIT: waiting },
      }));
      const sum = (of: (usage: AddressUsage) => number) =>
        each.reduce((total, usage) => total + of(usage), 0);
      const states = {
        ESTABLISHED: sum((usage) => usage.states.ESTABLISHED ?? 0),
        TIME_WAIT: sum((usage) => usage.states.TIME_WAIT ?? 0),
      };
      return { server, used: sum(({ used }) => used), reusable: 0, states, addresses: each };
    }),
    others: {},
  };
}

/** A client near its limit, a pool that fills, one that is idle and one that is a server. */
function report(second: 0 | 1): PortReport {
  return {
    at: 5000 + 1000 * second,
    ports: {
      range: { first: 32_768, last: 60_999 },
      origin: 'net.ipv4.ip_local_port_range',
      reserved: [],
    },
    listening: 0,
    reuse: { mode: 0, delay: 1000 },
    labels: [
      labelUsage('kafka-client', '127.0.0.2', 1, {
        '127.0.0.1:9092': [['127.0.0.2', 25_000 + 100 * second, 30]],
        '[::1]:80': [['127.0.0.2', 1, 0]],
      }),
      labelUsage('load', '127.0.40.8/29', 8, {
        '127.0.0.1:8080': [
          ['127.0.40.9', 100, 14_000 + 1000 * second],
          ['127.0.40.8', 90, 14_000],
        ],
      }),
      labelUsage('idle', '127.0.0.9', 1, {}),
      labelUsage('broker', '127.0.0.1:9092', 0, {}),
    ],
  };
}

const table = (width: number, before: PortReport | null = report(0)) =>
  `\n${renderPorts(before, report(1), { ...plain, width }).join('\n')}\n`;

test('the table at 140 columns', () => {
  assert.equal(
    table(140),
    `
label         address         server          ports in use  established  TIME_WAIT  other     free  fullest address  per second  full in
────────────  ──────────────  ──────────────  ────────────  ───────────  ─────────  ─────  ───────  ───────────────  ──────────  ───────
kafka-client  127.0.0.2       127.0.0.1:9092        25,130       25,100         30      0    3,102             89 %        +100     31 s
kafka-client  127.0.0.2       [::1]:80                   1            1          0      0   28,231           <0.1 %           0        -
load          127.0.40.8/29   127.0.0.1:8080        29,190          190     29,000      0  196,666             53 %      +1,000     13 s
idle          127.0.0.9       -                          0            0          0      0   28,232                -           -        -
broker        127.0.0.1:9092  -                          0            0          0      0        -                -           -        -
28,232 ports for each address and server · net.ipv4.ip_local_port_range 32768 to 60999 · broker: at a port of its own, takes none
`,
  );
});

test('the table at 80 columns', () => {
  assert.equal(
    table(80),
    `
label         server            used   estab    wait     free    full  full in
────────────  ──────────────  ──────  ──────  ──────  ───────  ──────  ───────
kafka-client  127.0.0.1:9092  25,130  25,100      30    3,102    89 %     31 s
kafka-client  [::1]:80             1       1       0   28,231  <0.1 %        -
load          127.0.0.1:8080  29,190     190  29,000  196,666    53 %     13 s
idle          -                    0       0       0   28,232       -        -
broker        -                    0       0       0        -       -        -
28,232 ports for each address and server
net.ipv4.ip_local_port_range 32768 to 60999
broker: at a port of its own, takes none
`,
  );
});

test('no line is wider than the screen, nor are there more than it has', () => {
  for (let width = 20; width < 160; width += 1) {
    for (const height of [3, 5, 8, 100]) {
      const lines = renderPorts(report(0), report(1), { ...plain, width, height, colour: true });
      assert.ok(lines.length <= height);
      for (const line of lines) assert.ok(stripVTControlCharacters(line).length <= width, line);
    }
  }
  assert.match(table(100).replaceAll('\n', ' '), /kafka-client/);
  const short = renderPorts(null, report(1), { ...plain, width: 160, height: 6 });
  assert.equal(short.at(-2), '… and 3 more');
});

test('rates need two looks', () => {
  const [first] = portRows(null, report(1));
  assert.deepEqual([first.perSecond, first.secondsLeft], [null, null]);
  const [again] = portRows(report(0), report(1));
  assert.deepEqual([again.perSecond, again.secondsLeft], [100, 31.02]);
});

test('a line of a log names the fullest', () => {
  assert.equal(
    portLine(portRows(report(0), report(1))),
    'kafka-client 127.0.0.1:9092 25,130 ports, 25,130 of 28,232 at 127.0.0.2, full in 31 s; ' +
      'kafka-client [::1]:80 1 ports, 1 of 28,232 at 127.0.0.2; ' +
      'load 127.0.0.1:8080 29,190 ports, 15,100 of 28,232 at 127.0.40.9; ' +
      'idle no connections; and 1 more',
  );
});

const env = { LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' };

test('on a terminal the table is redrawn, also for another size, and stays at the end', () => {
  const paper = new Paper(80, 12);
  const view = createPortView({ stream: paper, env, process: new Surroundings() });
  view.update(null, report(0));
  assert.match(paper.look(), /^\u001b\[\?25l[^]*25,030[^]*\u001b\[9A/);
  view.update(report(0), report(1));
  assert.match(paper.look(), /25,130/);
  paper.columns = 40;
  paper.emit('resize');
  assert.doesNotMatch(stripVTControlCharacters(paper.look()), /[^\r\n]{41}/);
  view.finish(report(0), report(1));
  assert.match(paper.look(), /kafka-client[^]*\u001b\[\?25h$/);
});

test('without a terminal: a line for each look, the table at the end', () => {
  const paper = new Paper();
  const view = createPortView({ stream: paper, env, process: new Surroundings() });
  view.update(null, report(0));
  view.update(report(0), report(1));
  const lines = paper.look().trimEnd().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines[1], /^kafka-client 127\.0\.0\.1:9092 25,130 ports, .*full in 31 s; /);
  view.finish(report(0), report(1));
  assert.match(paper.look(), /^label +address/);
});
