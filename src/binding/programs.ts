/** The BPF programs of `run`: pure functions of what connections are to be given. */
import { errnoOf } from '../native/errno.js';
import type { Hook } from '../native/bpf-layouts.js';
import { blocks, blockWords, extra } from './account-layout.js';
import {
  alu,
  aluRegister,
  jump,
  jumpIf,
  jumpIf32,
  load,
  store,
  target,
  toBigEndian32,
  type Line,
} from './asm.js';
import { bindPrograms } from './bind-programs.js';
import {
  address,
  begin,
  bind4,
  bind6,
  bindMapped,
  chosen6,
  choose4,
  choose6,
  context,
  count,
  countBind,
  countChoice,
  countKept,
  countKind,
  countNoAddress,
  ctx,
  fail,
  finish,
  ifOneOf4,
  ifOneOf6,
  kind,
  kindOfSocket,
  loopback4,
  loopback6Last,
  mappedThird,
  socket,
  unlessLoopback4,
  type Surroundings,
} from './fragments.js';

/** What becomes of connections to ::1. */
export type Ipv6Mode = 'bind' | 'to4' | 'refuse';

export interface Plan extends Surroundings {
  readonly ipv6: Ipv6Mode;
  readonly server: boolean;
  readonly rebind: boolean;
  /** What this kernel can do. */
  readonly features: Features;
}

export interface Features {
  /** bpf_set_retval (5.18): an error other than EPERM. */
  readonly setRetval: boolean;
  /** bpf_get_current_pid_tgid in programs on cgroups (6.0). */
  readonly currentProcess: boolean;
  /** bind programs may allow ports below 1024 (5.12). */
  readonly lowPorts: boolean;
}

export interface Program {
  readonly hook: Hook;
  readonly lines: readonly Line[];
}

export function programsOf(plan: Plan): Program[] {
  return [
    { hook: 'connect4', lines: connect4(plan) },
    { hook: 'connect6', lines: connect6(plan) },
    { hook: 'sendmsg4', lines: sendmsg4(plan) },
    { hook: 'sendmsg6', lines: sendmsg6(plan) },
    ...(plan.server || plan.rebind ? bindPrograms(plan) : []),
  ];
}

function connect4(plan: Plan): Line[] {
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

/** Where an IPv6 destination leads: falls through for ::1 and [::], jumps to mapped or pass. */
function destination6(): Line[] {
  const [first, second, third, last] = context.userIp6;
  return [
    load(4, 1, ctx, first),
    load(4, 2, ctx, second),
    load(4, 3, ctx, third),
    load(4, address, ctx, last),
    jumpIf(1, '!=', 0, 'pass'),
    jumpIf(2, '!=', 0, 'pass'),
    jumpIf32(3, '==', mappedThird, 'mapped'),
    jumpIf(3, '!=', 0, 'pass'),
    jumpIf(address, '==', 0, 'loopback'),
    jumpIf(address, '!=', loopback6Last, 'pass'),
    target('loopback'),
  ];
}

/** The socket's source into r1 to r4; jumps to `to` when it has one. */
function unlessUnbound6(to: string): Line[] {
  const [first, second, third, last] = socket.sourceIp6;
  return [
    load(8, 5, ctx, context.socket),
    jumpIf(5, '==', 0, 'pass'),
    load(4, 1, 5, first),
    load(4, 2, 5, second),
    load(4, 3, 5, third),
    load(4, 4, 5, last),
    jumpIf(1, '!=', 0, to),
    jumpIf(2, '!=', 0, to),
    jumpIf(3, '!=', 0, to),
    jumpIf(4, '!=', 0, to),
  ];
}

/** Whether the source in r1 to r4 is the label's, then counts it. */
function kept6({ maps, sources }: Surroundings): Line[] {
  return [
    ...ifOneOf6(sources.ipv6, 'own', 'kept'),
    // ifOneOf6 has swapped its bytes: swapping again gives them back.
    ...(sources.ipv6.length === 0 ? [] : [toBigEndian32(4)]),
    jumpIf(1, '!=', 0, 'foreign'),
    jumpIf(2, '!=', 0, 'foreign'),
    jumpIf32(3, '!=', mappedThird, 'foreign'),
    aluRegister('mov', 1, 4),
    ...ifOneOf4(sources.ipv4, 'own'),
    target('foreign'),
    ...countKept(maps),
  ];
}

function connect6(plan: Plan): Line[] {
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

function sendmsg4(plan: Plan): Line[] {
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
function sendmsg6(plan: Plan): Line[] {
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
              load(4, 1, 10, offset),
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
