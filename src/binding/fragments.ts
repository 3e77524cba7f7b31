/** Pieces that several of the BPF programs are made of. */
import { errnoOf } from '../native/errno.js';
import { blockWords, offsetOf, word } from './account-layout.js';
import {
  alu,
  aluRegister,
  atomicAdd,
  call,
  exit,
  jump,
  jumpIf,
  type Line,
  load,
  loadMapValue,
  type Register,
  target,
} from './asm.js';
import type { Sources } from './sources.js';

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

/** enum bpf_func_id. */
export const helpers = { currentProcess: 14, bind: 64, readKernel: 113, setRetval: 187 } as const;
const SOCK_DGRAM = 2;

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
/** Bytes from the stream's block of the account to the one that is counted in. */
export const kind: Register = 9;
/** The stack, downwards. */
export const frame: Register = 10;

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
