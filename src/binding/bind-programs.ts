/** The BPF programs on bind(2): `--server` moves what listens, `--rebind` what binds first. */
import { errnoOf } from '../native/errno.js';
import { blocks, blockWords, extra } from './account-layout.js';
import {
  alu,
  jump,
  jumpIf,
  jumpIf32,
  type Line,
  load,
  store,
  storeImmediate,
  target,
} from './asm.js';
import { choose4, choose6, chosen6 } from './choice.js';
import {
  address,
  begin,
  context,
  count,
  countKind,
  ctx,
  fail,
  finish,
  kind,
  loopback4,
  loopback6Last,
  mappedThird,
  portAndProcess,
  wordOf,
  frame,
} from './fragments.js';
import { ifIpv6Only, putAside } from './ipv6-only.js';
import type { Plan, Program } from './plan.js';

export function bindPrograms(plan: Plan): Program[] {
  return [
    { hook: 'bind4', lines: bind4(plan) },
    { hook: 'bind6', lines: bind6(plan) },
  ];
}

/** Port 0 is a client that binds first; another port is a server. What is not asked for passes. */
function byPort(plan: Plan): Line[] {
  return [
    load(4, 1, ctx, context.userPort),
    alu('mov', kind, blocks.bind * blockWords * 8),
    jumpIf(1, '==', 0, plan.rebind ? 'client' : 'pass'),
    jump(plan.server ? 'server' : 'pass'),
  ];
}

/** Result of a bind program: bit 1 lets an unprivileged process have a port below 1024. */
function finishServer({ features }: Plan): Line[] {
  return finish(features.lowPorts ? 3 : 1);
}

function bind4(plan: Plan): Line[] {
  const { maps, sources, features } = plan;
  return [
    ...begin(),
    load(4, address, ctx, context.userIp4),
    ...byPort(plan),
    target('client'),
    ...unlessEverybodys4('pass'),
    ...(sources.ipv4.length === 0
      ? [jump('pass')]
      : [
          ...choose4(plan, 'client'),
          store(4, ctx, context.userIp4, address),
          ...count(maps, extra.rebound * 8),
          jump('pass'),
        ]),
    target('server'),
    ...unlessEverybodys4('served'),
    ...(sources.ipv4.length === 0
      ? []
      : [
          alu('mov', 1, wordOf(sources.ipv4[0].first, 0)),
          store(4, ctx, context.userIp4, 1),
          ...countKind(maps, 0),
          ...(features.ipv6Only === 'guessed' ? [...portAndProcess(maps), store(4, 2, 0, 0)] : []),
        ]),
    target('served'),
    ...finishServer(plan),
    target('pass'),
    ...finish(1),
  ];
}

/** Jumps away unless the address is 0.0.0.0 or 127.0.0.1: others were chosen on purpose. */
function unlessEverybodys4(to: string): Line[] {
  const past = `${to}-is-everybodys`;
  return [jumpIf(address, '==', 0, past), jumpIf(address, '!=', loopback4, to), target(past)];
}

function bind6(plan: Plan): Line[] {
  const { sources } = plan;
  const [first, second, third, last] = context.userIp6;
  return [
    ...begin(),
    load(4, 1, ctx, first),
    load(4, 2, ctx, second),
    load(4, 3, ctx, third),
    load(4, address, ctx, last),
    jumpIf(1, '!=', 0, 'other'),
    jumpIf(2, '!=', 0, 'other'),
    jumpIf32(3, '==', mappedThird, 'mapped'),
    jumpIf(3, '!=', 0, 'other'),
    jumpIf(address, '==', loopback6Last, 'loopback'),
    jumpIf(address, '!=', 0, 'other'),
    ...ifIpv6Only(plan, 'ipv6-only'),
    jump('any'),
    target('mapped'),
    jumpIf(address, '==', 0, 'any'),
    jumpIf(address, '!=', loopback4, 'other'),
    // [::] is for IPv4 as well, and there are more IPv4 clients: so it becomes the IPv4 address.
    target('any'),
    ...(sources.ipv4.length > 0 ? moveTo4(plan, 'any') : moveTo6(plan, 'any')),
    target('ipv6-only'),
    ...(sources.ipv6.length > 0 ? [jump('loopback')] : putAside(plan)),
    target('loopback'),
    ...(sources.ipv6.length > 0 ? moveTo6(plan, 'loopback') : refuseLoopback6(plan)),
    target('other'),
    ...onlyPort(plan),
    target('served'),
    ...finishServer(plan),
    target('pass'),
    ...finish(1),
  ];
}

/** The address stays; a server's low port is allowed all the same. */
function onlyPort(plan: Plan): Line[] {
  if (!plan.server) return [jump('pass')];
  return [load(4, 1, ctx, context.userPort), jumpIf(1, '==', 0, 'pass'), jump('served')];
}

function moveTo4(plan: Plan, at: string): Line[] {
  const { maps, sources } = plan;
  return [
    ...byPort6(plan, at),
    target(`${at}-client`),
    ...choose4(plan, at),
    ...count(maps, extra.rebound * 8),
    alu('mov', 1, 1),
    jump(`${at}-write`),
    target(`${at}-server`),
    alu('mov', address, wordOf(sources.ipv4[0].first, 0)),
    ...countKind(maps, 0),
    alu('mov', 1, 0),
    target(`${at}-write`),
    alu('mov', 2, mappedThird),
    store(4, ctx, context.userIp6[2], 2),
    store(4, ctx, context.userIp6[3], address),
    jumpIf(1, '!=', 0, 'pass'),
    jump('served'),
  ];
}

function moveTo6(plan: Plan, at: string): Line[] {
  const { maps, sources } = plan;
  if (sources.ipv6.length === 0) return [...byPort6(plan, at), jump('pass')];
  return [
    ...byPort6(plan, at),
    target(`${at}-client`),
    ...choose6(plan, at),
    ...count(maps, extra.rebound * 8),
    alu('mov', 1, 1),
    jump(`${at}-write`),
    target(`${at}-server`),
    ...chosen6.map((offset, part) =>
      storeImmediate(4, frame, offset, wordOf(sources.ipv6[0].first, 4 * part)),
    ),
    ...countKind(maps, 0),
    alu('mov', 1, 0),
    target(`${at}-write`),
    ...chosen6.flatMap((offset, part) => [
      load(4, 2, frame, offset),
      store(4, ctx, context.userIp6[part], 2),
    ]),
    jumpIf(1, '!=', 0, 'pass'),
    jump('served'),
  ];
}

/**
 * A label without an IPv6 address: copies of a server would meet on ::1. So it is as on a machine
 * without ::1, which servers that listen on localhost are used to.
 */
function refuseLoopback6(plan: Plan): Line[] {
  return [
    load(4, 1, ctx, context.userPort),
    // A client that binds to ::1 first wants ::1.
    jumpIf(1, '==', 0, 'pass'),
    ...(plan.server
      ? [
          ...count(plan.maps, extra.listenRefused * 8),
          ...fail(errnoOf('EADDRNOTAVAIL'), plan.features.setRetval),
        ]
      : [jump('pass')]),
  ];
}

function byPort6(plan: Plan, at: string): Line[] {
  return [
    load(4, 1, ctx, context.userPort),
    alu('mov', kind, blocks.bind * blockWords * 8),
    jumpIf(1, '==', 0, plan.rebind ? `${at}-client` : 'pass'),
    jump(plan.server ? `${at}-server` : 'pass'),
  ];
}
