/** The BPF programs on connect(2). */
import { errnoOf } from '../native/errno.js';
import { extra } from './account-layout.js';
import { alu, jump, jumpIf, jumpIf32, type Line, load, store, target } from './asm.js';
import { bind4, bind6, bindMapped, choose4, choose6, countBind, ifOneOf4 } from './choice.js';
import {
  address,
  begin,
  context,
  count,
  countKept,
  countNoAddress,
  ctx,
  fail,
  finish,
  kindOfSocket,
  loopback4,
  loopback6Last,
  mappedThird,
  socket,
  unlessLoopback4,
} from './fragments.js';
import { destination6, kept6, unlessUnbound6 } from './ipv6-fragments.js';
import type { Plan } from './plan.js';

export function connect4(plan: Plan): Line[] {
  const { maps, sources } = plan;
  return [
    ...begin(),
    ...kindOfSocket(),
    load(4, address, ctx, context.userIp4),
    // The kernel takes 0.0.0.0 for this machine.
    jumpIf(address, '==', 0, 'loopback'),
    ...unlessLoopback4(address, 'pass'),
    target('loopback'),
    load(8, 1, ctx, context.socket),
    jumpIf(1, '==', 0, 'pass'),
    load(4, 1, 1, socket.sourceIp4),
    jumpIf(1, '!=', 0, 'kept'),
    ...(sources.ipv4.length === 0
      ? countNoAddress(maps)
      : [
          jumpIf(address, '!=', 0, 'named'),
          // Else the kernel would now go to the source address, where nobody listens.
          alu('mov', 1, loopback4),
          store(4, ctx, context.userIp4, 1),
          target('named'),
          ...choose4(plan, 'four'),
          ...bind4(),
          ...countBind(plan, 4, 'four'),
          jump('pass'),
        ]),
    target('kept'),
    ...ifOneOf4(sources.ipv4, 'own'),
    ...countKept(maps),
    target('pass'),
    ...finish(1),
  ];
}

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
