/** What the kernel is asked about sockets, and what it answers, honest and hostile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabel } from '../../src/labels/parse.js';
import {
  diagRequest,
  readDiagAnswer,
  sourceFilter,
} from '../../src/native/socket-diag-messages.js';
import { blankSocket, type SocketVisitor } from '../../src/native/tcp-socket.js';
import {
  collector,
  diagEnd,
  diagMessage,
  seen,
  seen6,
  tales,
  tales6,
} from '../loopback/sockets.js';

function read(bytes: Buffer, visit: SocketVisitor = () => undefined): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return readDiagAnswer(blankSocket(view), bytes.length, visit);
}

test('an answer: sockets of both families, and the end', () => {
  const { visit, seen: found } = collector();
  // Attributes follow, to no multiple of four.
  const messages = [...tales, ...tales6].map((tale) => {
    const bytes = diagMessage(tale, 5);
    return Buffer.concat([bytes, Buffer.alloc(3)]);
  });
  assert.equal(read(Buffer.concat(messages), visit), false);
  assert.deepEqual(found, [...seen, ...seen6]);
  assert.equal(read(diagEnd()), true);
  assert.equal(read(Buffer.alloc(0)), false);
});

test('errors of the kernel carry its errno', () => {
  assert.throws(() => read(diagEnd(2)), { code: 'ENOENT' });
  assert.throws(() => read(diagEnd(1)), { code: 'EPERM' });
  assert.throws(() => read(diagEnd(22, 3)), { code: 'EINVAL' });
});

test('every cut answer, and lengths that lie, are refused or end early', () => {
  const whole = Buffer.concat([diagMessage(tales[0]), diagMessage(tales[1]), diagEnd()]);
  const boundaries = [0, 88, 176];
  for (let length = 0; length < whole.length; length += 1) {
    const cut = Buffer.from(whole.subarray(0, length));
    if (boundaries.includes(length)) assert.equal(read(cut), false);
    else assert.throws(() => read(cut), { code: 'INPUT_DAMAGED' }, String(length));
  }
  for (const size of [0, 1, 15, 16, 87, 10_000, 0xffff_ffff]) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt32LE(size, 0);
    assert.throws(() => read(bytes), { code: 'INPUT_DAMAGED' }, String(size));
  }
});

test('bytes at random never read beyond the answer nor go on for ever', () => {
  let seed = 1;
  const next = () => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0);
  for (let round = 0; round < 2000; round += 1) {
    const bytes = Buffer.concat([diagMessage(tales[0]), diagMessage(tales6[1]), diagEnd()]);
    for (let i = 0; i < 4; i += 1) bytes[(next() >>> 8) % bytes.length] = next() >>> 16;
    try {
      read(bytes);
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error, String(error));
    }
  }
});

const blocks = (...texts: string[]) => parseLabel('a', texts).endpoints;

test('a request, byte for byte', () => {
  const request = diagRequest('inet', 1 << 10, null);
  assert.equal(request?.length, 72);
  assert.equal(request?.toString('hex', 0, 24), '480000001400010300000000000000000206000000040000');
  assert.equal(request?.toString('hex', 24), '00'.repeat(48));
  assert.equal(diagRequest('inet', ~0, null)?.readUInt32LE(20), 0xffff_ffff);
});

test('a filter is left out where it does not help, and the question where nothing can match', () => {
  assert.equal(diagRequest('inet', ~0, blocks('::1')), null);
  assert.notEqual(diagRequest('inet6', ~0, blocks('127.0.0.2')), null, 'IPv4-mapped ones');
  const many = Array.from({ length: 65 }, (_, index) => `127.0.${index}.2`);
  assert.equal(diagRequest('inet', ~0, blocks(...many))?.length, 72);
  // 16 bytes for a condition, 4 for the jump behind each but the last.
  const length = 72 + 4 + 64 * (16 + 4) - 4;
  assert.equal(diagRequest('inet', ~0, blocks(...many.slice(1)))?.length, length);
});

/** Runs bytecode as inet_diag_bc_run() does. */
function accepts(code: Buffer, family: 2 | 10, address: Uint8Array): boolean {
  let at = 0;
  while (at < code.length) {
    const [operation, yes] = [code[at], code[at + 1]];
    const no = code.readUInt16LE(at + 2);
    let holds = operation === 7;
    if (holds) {
      const [wanted, prefix] = [code[at + 4], code[at + 5]];
      const block = code.subarray(at + 12, at + 12 + (wanted === 2 ? 4 : 16));
      const own = wanted === 2 && family === 10 ? address.subarray(12) : address;
      const bits = (bytes: Uint8Array) =>
        [...bytes]
          .map((byte) => byte.toString(2).padStart(8, '0'))
          .join('')
          .slice(0, prefix);
      holds = (wanted === family || wanted === 2) && bits(own) === bits(block);
    }
    at += holds ? yes : no;
  }
  return at === code.length;
}

test('the filter takes what is in a block, first, middle and last, and nothing else', () => {
  const code = sourceFilter(blocks('127.0.0.2', '127.0.40.8/29', 'fd00::/64'));
  const v4 = (...address: number[]) => accepts(code, 2, Uint8Array.from(address));
  assert.ok(v4(127, 0, 0, 2));
  assert.ok(v4(127, 0, 40, 15));
  assert.ok(!v4(127, 0, 40, 16));
  assert.ok(!v4(127, 0, 0, 1));
  const v6 = Buffer.alloc(16);
  v6[0] = 0xfd;
  assert.ok(accepts(code, 10, v6));
  v6[1] = 1;
  assert.ok(!accepts(code, 10, v6));
});
