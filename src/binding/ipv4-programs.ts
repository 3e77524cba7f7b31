/** The BPF programs on connect(2), and on sendto(2) and sendmsg(2), of IPv4. */
import { blocks, blockWords } from './account-layout.js';
import { alu, jump, jumpIf, type Line, load, store, target } from './asm.js';
import { bind4, choose4, countBind, countChoice, ifOneOf4 } from './choice.js';
import {
  address,
  begin,
  context,
  countKept,
  countKind,
  countNoAddress,
  ctx,
  finish,
  kind,
  kindOfSocket,
  loopback4,
  socket,
  unlessLoopback4,
} from './fragments.js';
import type { Plan } from './plan.js';

export function connect4(plan: Plan): Line[] {
  return labelled4(plan, {
    kind: kindOfSocket(),
    source: [
      load(8, 1, ctx, context.socket),
      jumpIf(1, '==', 0, 'pass'),
      load(4, 1, 1, socket.sourceIp4),
    ],
    give: [...bind4(), ...countBind(plan, 4, 'four')],
  });
}

/** For UDP that is not connected. */
export function sendmsg4(plan: Plan): Line[] {
  return labelled4(plan, {
    kind: [alu('mov', kind, blocks.message * blockWords * 8)],
    source: [load(4, 1, ctx, context.messageSourceIp4)],
    give: [
      store(4, ctx, context.messageSourceIp4, address),
      ...countKind(plan.maps, 0),
      ...countChoice(plan, 4, 'four'),
    ],
  });
}

/** Where the two differ. */
interface Way {
  /** What is counted, into `kind`. */
  readonly kind: readonly Line[];
  /** The source that there is already, into r1. */
  readonly source: readonly Line[];
  /** Gives the one that is in `address`, and counts it. */
  readonly give: readonly Line[];
}

function labelled4(plan: Plan, way: Way): Line[] {
  const { maps, sources } = plan;
  return [
    ...begin(),
    ...way.kind,
    load(4, address, ctx, context.userIp4),
    // The kernel takes 0.0.0.0 for this machine.
    jumpIf(address, '==', 0, 'loopback'),
    ...unlessLoopback4(address, 'pass'),
    target('loopback'),
    ...way.source,
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
          ...way.give,
          jump('pass'),
        ]),
    target('kept'),
    ...ifOneOf4(sources.ipv4, 'own'),
    ...countKept(maps),
    target('pass'),
    ...finish(1),
  ];
}
