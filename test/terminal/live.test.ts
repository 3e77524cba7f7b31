import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { snapshotOf, threeLabels } from '../../fixtures/snapshots.js';
import { createLiveView } from '../../src/terminal/live.js';
import { Paper, Surroundings } from './paper.js';

const env = { LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' };
const [before, after] = [threeLabels(0), threeLabels(1)];
const hide = '\u001b[?25l';
const show = '\u001b[?25h';

function linesOf(text: string): string[] {
  return stripVTControlCharacters(text)
    .split('\r\n')
    .map((line) => line.replace(/\r/g, ''));
}

describe('on a terminal', () => {
  test('each frame starts where the last one did', () => {
    const paper = new Paper(120, 40);
    const view = createLiveView({ stream: paper, env, process: new Surroundings() });
    view.update(before);
    const first = paper.look();
    const height = linesOf(first).length;
    assert.ok(first.startsWith(`${hide}\u001b[?7l\r`));
    assert.ok(
      first.endsWith(`\r\u001b[${String(height - 1)}A\u001b[?7h`),
      'back to its first line',
    );
    view.update(after);
    assert.equal(linesOf(paper.look()).length, height);
  });

  test('a resize redraws at once, to the new size', () => {
    const paper = new Paper(120, 40);
    const view = createLiveView({ stream: paper, env, process: new Surroundings() });
    view.update(before);
    view.update(after);
    paper.look();
    paper.columns = 44;
    paper.rows = 9;
    paper.emit('resize');
    const lines = linesOf(paper.look());
    assert.ok(lines.length <= 9, `${String(lines.length)} lines`);
    for (const line of lines) assert.ok(line.length <= 44, line);
    assert.match(lines.join('\n'), /88k/, 'the rate is still that of the last second');
  });

  test('finish leaves the whole table, its means, and the cursor', () => {
    const paper = new Paper(120, 5);
    const surroundings = new Surroundings();
    const view = createLiveView({ stream: paper, env, process: surroundings });
    view.update(before);
    assert.ok(linesOf(paper.look()).length <= 5);
    view.finish(after);
    const end = paper.look();
    assert.match(end, /average\/s/);
    assert.match(end, /idle/);
    assert.ok(end.endsWith(`\r\n${show}`));
    assert.deepEqual(surroundings.eventNames(), []);
    assert.equal(paper.listenerCount('resize'), 0);
  });

  test('the cursor comes back when the process ends without finish', () => {
    const paper = new Paper(120, 40);
    const surroundings = new Surroundings();
    createLiveView({ stream: paper, env, process: surroundings }).update(before);
    const height = linesOf(paper.look()).length;
    surroundings.emit('exit');
    assert.equal(paper.look(), `\u001b[${String(height - 1)}B\r\n${show}`);
  });

  test('Ctrl-Z gives the terminal back; going on draws again', () => {
    const paper = new Paper(120, 40);
    const surroundings = new Surroundings();
    createLiveView({ stream: paper, env, process: surroundings }).update(before);
    paper.look();
    surroundings.emit('SIGTSTP');
    assert.ok(paper.look().endsWith(show));
    assert.deepEqual(surroundings.killed, ['SIGSTOP 4711']);
    surroundings.emit('SIGCONT');
    assert.ok(paper.look().startsWith(hide));
  });

  test('a notice stays above the table', () => {
    const paper = new Paper(120, 40);
    const view = createLiveView({ stream: paper, env, process: new Surroundings() });
    view.update(before);
    paper.look();
    view.notice('kafka-client.00002.pcap is finished');
    const text = paper.look();
    assert.ok(text.startsWith('\r\u001b[Jkafka-client.00002.pcap is finished\r\n'));
    assert.match(text, /busiest peer/);
  });

  test('a terminal that has not taken the last frame gets no further one', () => {
    const paper = new Paper(120, 40);
    const view = createLiveView({ stream: paper, env, process: new Surroundings() });
    paper.writableNeedDrain = true;
    view.update(before);
    assert.equal(paper.look(), '');
  });

  test('a terminal that is stopped gets nothing until it goes on, and no notice is lost', () => {
    const paper = new Paper(120, 40);
    let stopped = true;
    const takes = () => !stopped;
    const view = createLiveView({ stream: paper, env, process: new Surroundings(), takes });
    view.update(before);
    view.notice('first');
    view.notice('second');
    view.update(after);
    paper.emit('resize');
    assert.equal(paper.look(), '');
    stopped = false;
    view.update(after);
    const lines = linesOf(paper.look());
    assert.deepEqual(lines.slice(0, 2), ['first', 'second']);
    assert.match(lines.join('\n'), /busiest peer/);
    stopped = true;
    for (let number = 1; number <= 1500; number++) view.notice(`line ${String(number)}`);
    assert.equal(paper.look(), '');
    view.finish(after);
    const end = linesOf(paper.look());
    assert.deepEqual(end.slice(0, 2), ['… 500 lines before this one', 'line 501']);
    assert.match(end.join('\n'), /average\/s/, 'the last table waits for the terminal');
  });

  test('a terminal that is gone ends nothing', () => {
    const paper = new Paper(120, 40);
    const view = createLiveView({ stream: paper, env, process: new Surroundings() });
    view.update(before);
    paper.emit('error', new Error('EIO'));
    paper.look();
    view.update(after);
    view.finish(after);
    paper.emit('error', new Error('EIO'));
    assert.equal(paper.look(), '');
  });

  test('one that says size 0, as a serial line does, is taken for 80 by 24', () => {
    const paper = new Paper(0, 0);
    const labels = Array.from({ length: 50 }, () => [...before.labels]).flat();
    const view = createLiveView({ stream: paper, env, process: new Surroundings() });
    view.update(snapshotOf(labels));
    const lines = linesOf(paper.look());
    assert.equal(lines.length, 24);
    for (const line of lines) assert.ok(line.length <= 80);
  });
});

describe('without a terminal', () => {
  test('a plain line every five seconds, the table at the end, no control sequence', () => {
    const paper = new Paper();
    const view = createLiveView({ stream: paper, env: { LANG: 'C.UTF-8' } });
    for (let second = 0; second <= 12; second++) {
      view.update({ ...before, at: second * 1000, elapsed: second * 1000 });
    }
    const lines = paper.look().split('\n');
    assert.equal(lines.length, 3, lines.join('\n'));
    assert.equal(
      lines[0],
      '5.0 s: captured 19,100 packets, 91M, 18M/s, kernel dropped 0, interface dropped not known, ' +
        'others 0; kafka-client 17,000 packets, 18M/s, 3 open, 2 retransmissions; ' +
        'loadgen 2,100 packets, 25k/s, 12 open, 14 resets, 1 unanswered SYNs; idle 0 packets, 0/s',
    );
    assert.match(lines[1], /^10 s: captured 19,100 packets, 91M, 0\/s/, 'since the last line');
    view.finish(after);
    const end = paper.look();
    assert.match(end, /^.*average\/s[^]*idle[^]*others 0 · 1:12\n$/);

    assert.doesNotMatch(end, /[\u001b\r]/);
  });

  test('COLUMNS says how wide, FORCE_COLOR that there is colour', () => {
    const paper = new Paper();
    createLiveView({ stream: paper, env: { COLUMNS: '60', FORCE_COLOR: '1' } }).finish(after);
    const lines = paper.look().split('\n');
    assert.match(lines.join('\n'), /\u001b\[33m14\u001b\[39m/);
    for (const line of lines) assert.ok(stripVTControlCharacters(line).trimEnd().length <= 60);
  });

  test('a dumb terminal is none', () => {
    const paper = new Paper(80, 24);
    const view = createLiveView({ stream: paper, env: { TERM: 'dumb' } });
    view.update({ ...before, elapsed: 1000 });
    view.finish(after);
    assert.match(paper.look(), /^[\n -~]+$/, 'plain ASCII');
  });

  test('a reader that goes away ends nothing', () => {
    const paper = new Paper();
    const view = createLiveView({ stream: paper, env: {} });
    paper.emit('error', new Error('EPIPE'));
    view.finish(after);
    assert.equal(paper.look(), '');
  });
});
