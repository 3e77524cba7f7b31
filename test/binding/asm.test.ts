/** The assembler: each instruction's bytes, jump targets, and what is left out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alu,
  alu32,
  aluRegister,
  atomicAdd,
  atomicFetchAdd,
  call,
  encode,
  exit,
  jump,
  jumpIf,
  jumpIf32,
  load,
  loadMapValue,
  negate32,
  store,
  storeImmediate,
  target,
  toBigEndian32,
  type Line,
} from '../../src/binding/asm.js';

/** RFC 9669's encoding, written out by hand: opcode, registers, offset, immediate. */
const golden: readonly (readonly [string, readonly Line[], string])[] = [
  ['r1 = 5', [alu('mov', 1, 5)], 'b701000005000000'],
  ['r0 = -1', [alu('mov', 0, -1)], 'b7000000ffffffff'],
  ['r6 = r1', [aluRegister('mov', 6, 1)], 'bf16000000000000'],
  ['r2 += r1', [aluRegister('add', 2, 1)], '0f12000000000000'],
  ['r1 -= r0', [aluRegister('sub', 1, 0)], '1f01000000000000'],
  ['r4 <<= 3', [alu('lsh', 4, 3)], '6704000003000000'],
  ['r0 >>= 32', [alu('rsh', 0, 32)], '7700000020000000'],
  ['r1 &= 0xff', [alu('and', 1, 0xff)], '57010000ff000000'],
  ['r8 %= 8', [alu('mod', 8, 8)], '9708000008000000'],
  ['w7 += 0x7f000002', [alu32('add', 7, 0x7f00_0002)], '040700000200007f'],
  ['w3 = -w3', [negate32(3)], '8403000000000000'],
  ['r7 = be32 r7', [toBigEndian32(7)], 'dc07000020000000'],
  ['r1 = *(u32 *)(r6 + 4)', [load(4, 1, 6, 4)], '6161040000000000'],
  ['r1 = *(u64 *)(r6 + 64)', [load(8, 1, 6, 64)], '7961400000000000'],
  ['*(u32 *)(r6 + 4) = r1', [store(4, 6, 4, 1)], '6316040000000000'],
  ['*(u32 *)(r10 - 16) = 2', [storeImmediate(4, 10, -16, 2)], '620af0ff02000000'],
  ['*(u64 *)(r10 - 8) = 0', [storeImmediate(8, 10, -8, 0)], '7a0af8ff00000000'],
  ['lock *(u64 *)(r1 + 0) += r2', [atomicAdd(1, 0, 2)], 'db21000000000000'],
  ['r8 = fetch_add(r1 + 0, r8)', [atomicFetchAdd(1, 0, 8)], 'db81000001000000'],
  ['call 64', [call(64)], '8500000040000000'],
  ['exit', [exit()], '9500000000000000'],
  ['r1 = map 9 value + 24', loadMapValue(1, 9, 24), '1821000009000000' + '0000000018000000'],
  [
    'if r1 != 127 goto out',
    [jumpIf(1, '!=', 127, 'out'), exit(), target('out'), exit()],
    '550101007f000000' + '9500000000000000' + '9500000000000000',
  ],
  [
    'if w3 == 0xffff0000 goto out',
    [jumpIf32(3, '==', 0xffff_0000, 'out'), exit(), target('out'), exit()],
    '160301000000ffff' + '9500000000000000' + '9500000000000000',
  ],
  [
    'if r1 < 8, >= 8, > 8 goto out',
    [
      jumpIf(1, '<', 8, 'out'),
      jumpIf(1, '>=', 8, 'out'),
      jumpIf(1, '>', 8, 'out'),
      target('out'),
      exit(),
    ],
    'a501020008000000' + '3501010008000000' + '2501000008000000' + '9500000000000000',
  ],
];

for (const [name, lines, hex] of golden) {
  test(name, () => {
    assert.equal(encode(lines).toString('hex'), hex);
  });
}

test('a jump counts a map address as two', () => {
  const bytes = encode([
    jumpIf(0, '==', 0, 'end'),
    ...loadMapValue(1, 9, 0),
    target('end'),
    exit(),
  ]);
  assert.equal(bytes.readInt16LE(2), 2);
});

test('lines that nothing leads to are left out', () => {
  const lines = [jump('end'), target('unused'), alu('mov', 0, 1), exit(), target('end'), exit()];
  // goto +0, for what it jumped over is gone.
  assert.equal(encode(lines).toString('hex'), '0500000000000000' + '9500000000000000');
});

test('jumps to nowhere, backwards and to a name that is there twice are refused', () => {
  assert.throws(() => encode([jump('nowhere')]), /no jump target nowhere/);
  assert.throws(() => encode([target('a'), jumpIf(1, '==', 0, 'a'), exit()]), /-1 instructions/);
  assert.throws(() => encode([target('a'), target('a'), exit()]), /twice/);
});
