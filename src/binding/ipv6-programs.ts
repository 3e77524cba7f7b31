/** The BPF programs on connect(2), and on sendto(2) and sendmsg(2), of IPv6. */
import { errnoOf } from '../native/errno.js';
import { blocks, blockWords, extra } from './account-layout.js';
import { alu, jump, jumpIf, jumpIf32, type Line, load, store, target } from './asm.js';
import { bind6, bindMapped, choose4, choose6, chosen6, countBind, countChoice } from './choice.js';
import {
  address,
  begin,
  context,
  count,
  countKind,
  countNoAddress,
  ctx,
  fail,
  finish,
  frame,
  kind,
  kindOfSocket,
  loopback4,
  loopback6Last,
  mappedThird,
  unlessLoopback4,
} from './fragments.js';
import { destination6, kept6, unlessUnbound6 } from './ipv6-fragments.js';
import type { Plan } from './plan.js';

export function connect6(plan: Plan): Line[] {
  const { maps, sources } = plan;
  return [
    ...begin(),
    ...kindOfSocket(),
    ...destination6(),
    ...connectLoopback6(plan),
    target('mapped'),
    jumpIf(address, '==', 0, 'mapped-loopback'),
    ...unlessLoopback4(address, 'pass'),
    target('mapped-loopback'),
    ...unlessUnbound6('kept'),
    ...(sources.ipv4.length === 0
      ? countNoAddress(maps)
      : [
          jumpIf(address, '!=', 0, 'named'),
          alu('mov', 1, loopback4),
          store(4, ctx, context.userIp6[3], 1),
          target('named'),
          ...choose4(plan, 'four'),
          ...bindMapped(),
          ...countBind(plan, 4, 'four'),
          jump('pass'),
        ]),
    target('kept'),
    ...kept6(plan),
    target('pass'),
    ...finish(1),
  ];
}

/** To ::1 or [::]. Ends in a jump, or at the lines for IPv4-mapped destinations. */
function connectLoopback6(plan: Plan): Line[] {
  const { maps, features } = plan;
  switch (plan.ipv6) {
    case 'refuse':
      // A source of its own is not ours to judge; without one, as if nobody listened on ::1.
      return [
        ...unlessUnbound6('kept'),
        ...count(maps, extra.refused * 8),
        ...fail(errnoOf('ECONNREFUSED'), features.setRetval),
      ];
    case 'bind':
      return [
        ...unlessUnbound6('kept'),
        alu('mov', 1, loopback6Last),
        store(4, ctx, context.userIp6[3], 1),
        ...choose6(plan, 'six'),
        ...bind6(),
        ...countBind(plan, 6, 'six'),
        jump('pass'),
      ];
    case 'to4':
      return [
        ...unlessUnbound6('bound'),
        jump('lead'),
        target('bound'),
        // Bound to an IPv4 address by --rebind, it cannot reach ::1 at all.
        jumpIf32(3, '!=', mappedThird, 'kept'),
        target('lead'),
        ...count(maps, extra.to4 * 8),
        alu('mov', 1, mappedThird),
        store(4, ctx, context.userIp6[2], 1),
        alu('mov', 1, loopback4),
        store(4, ctx, context.userIp6[3], 1),
        alu('mov', address, loopback4),
      ];
  }
}

/** For UDP that is not connected. IPv4-mapped destinations never come here: the kernel has them go through sendmsg4. */
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
