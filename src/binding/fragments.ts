/** Pieces that several of the BPF programs are made of. */
import { errnoOf } from '../native/errno.js';
import { blockWords, offsetOf, word } from './account-layout.js';
import {
  alu,
  alu32,
  aluRegister,
  atomicAdd,
  atomicFetchAdd,
  call,
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
  type Register,
} from './asm.js';
import { countOf, type AddressRun, type Sources } from './sources.js';

/** Offsets in struct bpf_sock_addr and struct bpf_sock (<linux/bpf.h>). */
export const context = {
  userIp4: 4,
  userIp6: [8, 12, 16, 20],
  userPort: 24,
  type: 32,
  messageSourceIp4: 40,
  messageSourceIp6: [44, 48, 52, 56],
  socket: 64,
} as const;
export const socket = { sourceIp4: 24, sourceIp6: [28, 32, 36, 40] } as const;

const helpers = { currentProcess: 14, bind: 64, setRetval: 187 } as const;
const SOCK_DGRAM = 2;
const AF_INET = 2;
const AF_INET6 = 10;

/** The maps, as descriptors. */
export interface Maps {
  readonly account: number;
  /** 64-bit words: streams of each IPv4 address, of each IPv6 address, then the same for UDP. */
  readonly addresses: number;
  /** Under --server, for each port: the process that listens on it over IPv4, 32 bits. */
  readonly ports: number;
}

/** Bytes of the value of `ports`. */
export const portsSize = 65_536 * 4;

/** What the fragments need to know; `sources` is what connections are given. */
export interface Surroundings {
  readonly maps: Maps;
  readonly sources: Sources;
}

// What lives in a register for a whole program.
export const ctx: Register = 6;
/** The chosen IPv4 address, in network order. */
export const address: Register = 7;
/** The number of the chosen address in the pool. */
export const choice: Register = 8;
/** Bytes from the stream's block of the account to the one that is counted in. */
export const kind: Register = 9;
const frame: Register = 10;

/** Where sockaddr_in or sockaddr_in6 is built; aligned to 8. */
const name4 = -16;
const name6 = -32;
/** Where fragments leave an IPv6 address: in sockaddr_in6. */
export const chosen6 = [name6 + 8, name6 + 12, name6 + 16, name6 + 20] as const;

/** The four bytes as a little-endian processor loads them. */
export function wordOf(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(offset, true);
}

/** 127.0.0.1, and the words of ::1 and ::ffff:0:0/96 that are not zero, as loaded. */
export const loopback4 = 0x0100_007f;
export const loopback6Last = 0x0100_0000;
export const mappedThird = 0xffff_0000;
const loopbackNet = 127;

/** Starts a program: the context, and which block counts. */
export function begin(): Line[] {
  return [aluRegister('mov', ctx, 1)];
}

/** A connect is counted with the streams or with the datagrams. */
export function kindOfSocket(): Line[] {
  return [
    load(4, 1, ctx, context.type),
    alu('mov', kind, 0),
    jumpIf(1, '!=', SOCK_DGRAM, 'stream'),
    alu('mov', kind, blockWords * 8),
    target('stream'),
  ];
}

export function finish(result: number): Line[] {
  return [alu('mov', 0, result), exit()];
}

/** Fails the system call with `errno`. An old kernel (before 5.18) can only say EPERM. */
export function fail(errno: number, setRetval: boolean): Line[] {
  const say = setRetval ? [alu('mov', 1, -errno), call(helpers.setRetval)] : [];
  return [...say, ...finish(0)];
}

/** Jumps away unless the IPv4 address in a register (network order) is 127/8. Uses r1. */
export function unlessLoopback4(register: Register, to: string): Line[] {
  return [aluRegister('mov', 1, register), alu('and', 1, 0xff), jumpIf(1, '!=', loopbackNet, to)];
}

/** The address of this port's word into r2, the process's id into r0. Uses r0 to r5. */
export function portAndProcess(maps: Maps): Line[] {
  return [
    call(helpers.currentProcess),
    // The upper half is the process, the lower one the thread.
    alu('rsh', 0, 32),
    load(4, 1, ctx, context.userPort),
    alu('and', 1, 0xffff),
    alu('lsh', 1, 2),
    ...loadMapValue(2, maps.ports, 0),
    aluRegister('add', 2, 1),
  ];
}

/** Adds one to a word of the account. Uses r1 and r2. */
export function count(maps: Maps, byteOffset: number): Line[] {
  return [...loadMapValue(1, maps.account, byteOffset), alu('mov', 2, 1), atomicAdd(1, 0, 2)];
}

/** Adds one to a word of the block that `kind` says. Uses r1 and r2. */
export function countKind(maps: Maps, index: number): Line[] {
  return [
    ...loadMapValue(1, maps.account, offsetOf('stream', index)),
    aluRegister('add', 1, kind),
    alu('mov', 2, 1),
    atomicAdd(1, 0, 2),
  ];
}

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

/** Counts a connection that keeps the source it has: as labelled when that is the label's. */
export function countKept(maps: Maps): Line[] {
  return [
    ...countKind(maps, word.kept),
    jump('pass'),
    target('own'),
    ...countKind(maps, word.done),
    jump('pass'),
  ];
}

/** Counts what cannot be labelled since the label has no address of the family. */
export function countNoAddress(maps: Maps): Line[] {
  return [...countKind(maps, errnoOf('EAFNOSUPPORT')), jump('pass')];
}
