import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcNetTcpParser } from '../../src/loopback/proc-net-tcp.js';
import { collector, procLine, procTitle, seen, seen6, tales, tales6 } from './sockets.js';

const text = (list: typeof tales) => procTitle + list.map(procLine).join('');

test('sockets of both families, whole and a byte at a time', () => {
  for (const [family, list, expected] of [
    [4, tales, seen],
    [6, tales6, seen6],
  ] as const) {
    const bytes = Buffer.from(text(list));
    for (const step of [1, 7, bytes.length]) {
      const { visit, seen: found } = collector();
      const parser = new ProcNetTcpParser(family, visit);
      for (let at = 0; at < bytes.length; at += step) parser.push(bytes.subarray(at, at + step));
      parser.end();
      assert.deepEqual(found, expected);
    }
  }
});

test('a file without sockets, and one that is cut', () => {
  const { visit, seen: found } = collector();
  const parser = new ProcNetTcpParser(4, visit);
  parser.push(Buffer.from(procTitle));
  parser.end();
  assert.deepEqual(found, []);
  const bytes = Buffer.from(text(tales));
  for (let length = procTitle.length + 1; length < bytes.length; length += 1) {
    if (bytes[length - 1] === 0x0a) continue;
    const cut = new ProcNetTcpParser(4, () => undefined);
    assert.throws(
      () => {
        cut.push(bytes.subarray(0, length));
        cut.end();
      },
      { code: 'INPUT_DAMAGED' },
    );
  }
});

test('hostile lines are refused with their number', () => {
  const good = procLine(tales[0]);
  const hostile = [
    '\n',
    ':\n',
    'nothing here\n',
    good.replace('0200007F', '0200007G'),
    good.replace('0200007F', '0200007f'),
    good.replace(' 01 ', ' 0: '),
    good.replace(':9C40', '-9C40'),
    `${good.slice(0, 60)}\n`,
    'x'.repeat(600),
  ];
  for (const line of hostile) {
    const parser = new ProcNetTcpParser(4, () => undefined);
    assert.throws(
      () => {
        parser.push(Buffer.from(procTitle + good + line));
        parser.end();
      },
      { code: 'INPUT_DAMAGED', message: /line 3 of \/proc\/net\/tcp / },
      line,
    );
  }
});
