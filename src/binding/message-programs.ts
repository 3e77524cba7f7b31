/** The BPF programs on sendto(2) and sendmsg(2), for UDP that is not connected. */
import { errnoOf } from '../native/errno.js';
import { blocks, blockWords, extra } from './account-layout.js';
import { alu, jump, jumpIf, type Line, load, store, target } from './asm.js';
import { choose4, choose6, chosen6, countChoice, ifOneOf4 } from './choice.js';
import {
  address,
  begin,
  context,
  count,
  countKept,
  countKind,
  countNoAddress,
  ctx,
  fail,
  finish,
  kind,
  loopback4,
  loopback6Last,
  unlessLoopback4,
  frame,
} from './fragments.js';
import { destination6, kept6 } from './ipv6-fragments.js';
import type { Plan } from './plan.js';

export function sendmsg4(plan: Plan): Line[] {
  const { maps, sources } = plan;
  return [
    ...begin(),
    alu('mov', kind, blocks.message * blockWords * 8),
    load(4, address, ctx, context.userIp4),
    jumpIf(address, '==', 0, 'loopback'),
    ...unlessLoopback4(address, 'pass'),
    target('loopback'),
    load(4, 1, ctx, context.messageSourceIp4),
    jumpIf(1, '!=', 0, 'kept'),
    ...(sources.ipv4.length === 0
      ? countNoAddress(maps)
      : [
          jumpIf(address, '!=', 0, 'named'),
          alu('mov', 1, loopback4),
          store(4, ctx, context.userIp4, 1),
          target('named'),
          ...choose4(plan, 'four'),
          store(4, ctx, context.messageSourceIp4, address),
          ...countKind(maps, 0),
          ...countChoice(plan, 4, 'four'),
          jump('pass'),
        ]),
    target('kept'),
    ...ifOneOf4(sources.ipv4, 'own'),
    ...countKept(maps),
    target('pass'),
    ...finish(1),
  ];
}

/** IPv4-mapped destinations never come here: the kernel has them go through sendmsg4. */
export function sendmsg6(plan: Plan): Line[] {
  const { maps, sources, features } = plan;
  const [first, second, third, last] = context.messageSourceIp6;
  return [
    ...begin(),
    alu('mov', kind, blocks.message * blockWords * 8),
    ...destination6(),
    load(4, 1, ctx, first),
    load(4, 2, ctx, second),
    load(4, 3, ctx, third),
    load(4, 4, ctx, last),
    jumpIf(1, '!=', 0, 'kept'),
    jumpIf(2, '!=', 0, 'kept'),
    jumpIf(3, '!=', 0, 'kept'),
    jumpIf(4, '!=', 0, 'kept'),
    ...(plan.ipv6 === 'refuse'
      ? [...count(maps, extra.refused * 8), ...fail(errnoOf('ECONNREFUSED'), features.setRetval)]
      : sources.ipv6.length === 0
        ? // The kernel does not let a datagram to ::1 be led to IPv4 (ENOTSUPP in udpv6_sendmsg).
          countNoAddress(maps)
        : [
            alu('mov', 1, loopback6Last),
            store(4, ctx, context.userIp6[3], 1),
            ...choose6(plan, 'six'),
            ...chosen6.flatMap((offset, part) => [
              load(4, 1, frame, offset),
              store(4, ctx, context.messageSourceIp6[part], 1),
            ]),
            ...countKind(maps, 0),
            ...countChoice(plan, 6, 'six'),
            jump('pass'),
          ]),
    target('kept'),
    ...kept6(plan),
    target('mapped'),
    target('pass'),
    ...finish(1),
  ];
}
