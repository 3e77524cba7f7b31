/** The programs before the kernel's verifier, and the instructions as its disassembler reads them. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import {
  alu,
  alu32,
  aluRegister,
  encode,
  exit,
  jumpIf,
  jumpIf32,
  load,
  negate32,
  storeImmediate,
  target,
  toBigEndian32,
  type Line,
} from '../../src/binding/asm.js';
import { accountSize } from '../../src/binding/account-layout.js';
import { portsSize } from '../../src/binding/fragments.js';
import { programsOf } from '../../src/binding/programs.js';
import { createMap, loadProgram } from '../../src/native/bpf.js';
import { openKernel } from '../../src/native/kernel.js';
import { everyPlan } from '../binding/plans.js';
import { lacking } from '../requirements.js';

const skip = lacking('capture');

test('the verifier accepts every program of every plan', { skip }, async () => {
  const kernel = await openKernel();
  const account = createMap(kernel, 'test_account', accountSize);
  const addresses = createMap(kernel, 'test_addresses', 2 * 8 * 64);
  const ports = createMap(kernel, 'test_ports', portsSize);
  let count = 0;
  try {
    for (const plan of everyPlan({ account, addresses, ports })) {
      for (const { hook, lines } of programsOf(plan)) {
        try {
          closeSync(loadProgram(kernel, hook, encode(lines)));
        } catch (error) {
          const log =
            error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
          assert.fail(`${hook}, ${plan.ipv6}: ${String(error)}\n${log}`);
        }
        count += 1;
      }
    }
  } finally {
    for (const map of [account, addresses, ports]) closeSync(map);
  }
  assert.ok(count > 500, `${count} programs`);
});

test('the kernel reads the instructions as they are meant', { skip }, async () => {
  const kernel = await openKernel();
  const lines: readonly (readonly [Line, string])[] = [
    [aluRegister('mov', 6, 1), '(bf) r6 = r1'],
    [alu('mov', 1, 7), '(b7) r1 = 7'],
    [alu('lsh', 1, 3), '(67) r1 <<= 3'],
    [alu('rsh', 1, 1), '(77) r1 >>= 1'],
    [alu('and', 1, 0xff), '(57) r1 &= 255'],
    [alu('mod', 1, 8), '(97) r1 %= 8'],
    [alu32('add', 1, 5), '(04) w1 += 5'],
    [alu32('sub', 1, 5), '(14) w1 -= 5'],
    [negate32(1), '(84) w1 = -w1'],
    [toBigEndian32(1), '(dc) r1 = be32 r1'],
    [load(4, 2, 6, 4), '(61) r2 = *(u32 *)(r6 +4)'],
    [storeImmediate(4, 10, -16, 2), '(62) *(u32 *)(r10 -16) = 2'],
    [storeImmediate(8, 10, -8, 0), '(7a) *(u64 *)(r10 -8) = 0'],
    [jumpIf(2, '!=', 127, 'bad'), '(55) if r2 != 0x7f goto pc+1'],
    [jumpIf32(2, '==', 127, 'bad'), '(16) if w2 == 0x7f goto pc+0'],
  ];
  // It ends in a read of nothing, for the verifier only talks when it refuses.
  const program = [...lines.map(([one]) => one), target('bad'), load(8, 0, 10, -64), exit()];
  let log = '';
  try {
    closeSync(loadProgram(kernel, 'connect4', encode(program)));
  } catch (error) {
    log = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  }
  for (const [index, [, text]] of lines.entries()) {
    assert.ok(log.includes(`${index}: ${text}`), `${index}: ${text}\n${log}`);
  }
});
