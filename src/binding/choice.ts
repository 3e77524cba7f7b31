/** The pieces of the BPF programs that choose an address, bind to it, count it and know it again. */
import { offsetOf, word } from './account-layout.js';
import {
  alu,
  alu32,
  aluRegister,
  atomicAdd,
  atomicFetchAdd,
  call,
  jump,
  jumpIf,
  jumpIf32,
  type Line,
  loadMapValue,
  negate32,
  type Register,
  store,
  storeImmediate,
  target,
  toBigEndian32,
} from './asm.js';
import {
  address,
  ctx,
  kind,
  mappedThird,
  type Maps,
  type Surroundings,
  wordOf,
  frame,
  helpers,
} from './fragments.js';
import { type AddressRun, countOf } from './sources.js';

const AF_INET = 2;
const AF_INET6 = 10;

/** The number of the chosen address in the pool. */
export const choice: Register = 8;

/** Where sockaddr_in or sockaddr_in6 is built; aligned to 8. */
const name4 = -16;

const name6 = -32;

/** Where fragments leave an IPv6 address: in sockaddr_in6. */
export const chosen6 = [name6 + 8, name6 + 12, name6 + 16, name6 + 20] as const;

/** Takes the next number of a pool, round robin, into `choice`. Uses r1. */
function takeTurn(maps: Maps, cursor: number, size: number): Line[] {
  if (size === 1) return [alu('mov', choice, 0)];
  return [
    ...loadMapValue(1, maps.account, offsetOf('stream', cursor)),
    aluRegister('add', 1, kind),
    alu('mov', choice, 1),
    atomicFetchAdd(1, 0, choice),
    alu('mod', choice, size),
  ];
}

/** Chooses an IPv4 address into `address`. @param at makes its jump targets unique */
export function choose4({ maps, sources }: Surroundings, at: string): Line[] {
  const runs = sources.ipv4;
  const lines = [
    ...takeTurn(maps, word.cursor4, countOf(runs)),
    aluRegister('mov', address, choice),
  ];
  for (const [index, { count: size }] of runs.slice(0, -1).entries()) {
    lines.push(jumpIf(address, '<', size, `${at}-run-${index}`), alu('sub', address, size));
  }
  // The last run is what is left; the others jump to theirs.
  for (const [index, run] of [...runs.entries()].reverse()) {
    if (index < runs.length - 1) lines.push(target(`${at}-run-${index}`));
    lines.push(alu32('add', address, hostWord(run.first, 0)));
    if (index > 0) lines.push(jump(`${at}-chosen`));
  }
  if (runs.length > 1) lines.push(target(`${at}-chosen`));
  return [...lines, toBigEndian32(address)];
}

/** Chooses an IPv6 address into `chosen6` on the stack. Uses r1 and r2. */
export function choose6({ maps, sources }: Surroundings, at: string): Line[] {
  const runs = sources.ipv6;
  const lines = [...takeTurn(maps, word.cursor6, countOf(runs)), aluRegister('mov', 1, choice)];
  for (const [index, { count: size }] of runs.slice(0, -1).entries()) {
    lines.push(jumpIf(1, '<', size, `${at}-run-${index}`), alu('sub', 1, size));
  }
  for (const [index, run] of [...runs.entries()].reverse()) {
    if (index < runs.length - 1) lines.push(target(`${at}-run-${index}`));
    lines.push(
      ...[0, 1, 2].map((part) =>
        storeImmediate(4, frame, chosen6[part], wordOf(run.first, 4 * part)),
      ),
      alu32('add', 1, hostWord(run.first, 12)),
      toBigEndian32(1),
      store(4, frame, chosen6[3], 1),
    );
    if (index > 0) lines.push(jump(`${at}-chosen`));
  }
  return runs.length > 1 ? [...lines, target(`${at}-chosen`)] : lines;
}

function hostWord(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(offset, false);
}

/** bpf_bind to the chosen IPv4 address, port 0: the port is taken as the connection is made. */
export function bind4(): Line[] {
  return [
    storeImmediate(4, frame, name4, AF_INET),
    store(4, frame, name4 + 4, address),
    storeImmediate(8, frame, name4 + 8, 0),
    ...bindTo(name4, 16),
  ];
}

/** The same through an IPv6 socket. */
export function bindMapped(): Line[] {
  return [
    storeImmediate(4, frame, chosen6[0], 0),
    storeImmediate(4, frame, chosen6[1], 0),
    storeImmediate(4, frame, chosen6[2], mappedThird),
    store(4, frame, chosen6[3], address),
    ...bind6(),
  ];
}

/** bpf_bind to the IPv6 address on the stack. */
export function bind6(): Line[] {
  return [
    storeImmediate(8, frame, name6, AF_INET6),
    storeImmediate(4, frame, name6 + 24, 0),
    ...bindTo(name6, 28),
  ];
}

function bindTo(offset: number, length: number): Line[] {
  return [
    aluRegister('mov', 1, ctx),
    aluRegister('mov', 2, frame),
    alu('add', 2, offset),
    alu('mov', 3, length),
    call(helpers.bind),
  ];
}

/** Counts what bpf_bind returned, and the address it was given. Uses r0 to r2. */
export function countBind(around: Surroundings, family: 4 | 6, at: string): Line[] {
  return [
    aluRegister('mov', 3, 0),
    negate32(3),
    jumpIf(3, '<', word.otherErrno, `${at}-known`),
    alu('mov', 3, word.otherErrno),
    target(`${at}-known`),
    aluRegister('mov', 4, 3),
    alu('lsh', 4, 3),
    ...loadMapValue(1, around.maps.account, 0),
    aluRegister('add', 1, kind),
    aluRegister('add', 1, 4),
    alu('mov', 2, 1),
    atomicAdd(1, 0, 2),
    jumpIf(3, '!=', 0, `${at}-counted`),
    ...countChoice(around, family, at),
    target(`${at}-counted`),
  ];
}

/** Adds one to the chosen address's word, in the half for streams or the one for datagrams. */
export function countChoice({ maps, sources }: Surroundings, family: 4 | 6, at: string): Line[] {
  const size = countOf(family === 4 ? sources.ipv4 : sources.ipv6);
  const total = countOf(sources.ipv4) + countOf(sources.ipv6);
  if (size === 1) return [];
  const base = family === 4 ? 0 : countOf(sources.ipv4) * 8;
  return [
    // Never so; but the verifier cannot know what a remainder is below.
    jumpIf(choice, '>=', size, `${at}-beyond`),
    aluRegister('mov', 2, choice),
    alu('lsh', 2, 3),
    ...loadMapValue(1, maps.addresses, base),
    aluRegister('add', 1, 2),
    jumpIf(kind, '==', 0, `${at}-of-stream`),
    alu('add', 1, total * 8),
    target(`${at}-of-stream`),
    alu('mov', 2, 1),
    atomicAdd(1, 0, 2),
    target(`${at}-beyond`),
  ];
}

/** Jumps when the IPv4 address in r1 (network order) is one of these. Uses r1 and r2. */
export function ifOneOf4(runs: readonly AddressRun[], to: string): Line[] {
  if (runs.length === 0) return [];
  return [
    toBigEndian32(1),
    ...runs.flatMap(({ first, count: size }) => [
      aluRegister('mov', 2, 1),
      alu32('sub', 2, hostWord(first, 0)),
      jumpIf(2, '<', size, to),
    ]),
  ];
}

/** Jumps when the IPv6 address in r1 to r4 is one of these. Uses r4 and r5. */
export function ifOneOf6(runs: readonly AddressRun[], to: string, at: string): Line[] {
  if (runs.length === 0) return [];
  return [
    toBigEndian32(4),
    ...runs.flatMap(({ first, count: size }, index) => {
      const next = `${at}-not-${index}`;
      return [
        jumpIf32(1, '!=', wordOf(first, 0), next),
        jumpIf32(2, '!=', wordOf(first, 4), next),
        jumpIf32(3, '!=', wordOf(first, 8), next),
        aluRegister('mov', 5, 4),
        alu32('sub', 5, hostWord(first, 12)),
        jumpIf(5, '<', size, to),
        target(next),
      ];
    }),
  ];
}
