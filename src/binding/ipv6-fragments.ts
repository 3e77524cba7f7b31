/** Pieces of the BPF programs that deal with IPv6 addresses, IPv4-mapped ones among them. */
import { aluRegister, jumpIf, jumpIf32, type Line, load, target, toBigEndian32 } from './asm.js';
import { ifOneOf4, ifOneOf6 } from './choice.js';
import {
  address,
  context,
  countKept,
  ctx,
  loopback6Last,
  mappedThird,
  socket,
  type Surroundings,
} from './fragments.js';

/** Where an IPv6 destination leads: falls through for ::1 and [::], jumps to mapped or pass. */
export function destination6(): Line[] {
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
export function unlessUnbound6(to: string): Line[] {
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
export function kept6({ maps, sources }: Surroundings): Line[] {
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
