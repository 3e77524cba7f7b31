/** An assembler for BPF: instructions with named jump targets, resolved when they are encoded. */
import { LbcapError } from '../errors.js';

/** r0 to r10; r10 is the frame pointer. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/** Bytes of a memory access. */
export type Width = 1 | 2 | 4 | 8;

/** One instruction of <linux/bpf.h>, struct bpf_insn; `offset` may still be a target's name. */
export interface Instruction {
  readonly opcode: number;
  readonly destination: number;
  readonly source: number;
  readonly offset: number | string;
  readonly immediate: number;
}

/** A place to jump to. */
export interface Target {
  readonly target: string;
}

export type Line = Instruction | Target;

/** Bytes of struct bpf_insn. */
export const instructionBytes = 8;

// Instruction classes, and the bits beside them (<linux/bpf_common.h>, <linux/bpf.h>).
const LD = 0x00;
const LDX = 0x01;
const ST = 0x02;
const STX = 0x03;
const ALU = 0x04;
const JMP = 0x05;
const JMP32 = 0x06;
const ALU64 = 0x07;
const IMM = 0x00;
const MEM = 0x60;
const ATOMIC = 0xc0;
const REGISTER = 0x08;
const FETCH = 0x01;
const PSEUDO_MAP_VALUE = 2;

const widthBits: Readonly<Record<Width, number>> = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 };
const operations = {
  add: 0x00,
  sub: 0x10,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  mod: 0x90,
  mov: 0xb0,
} as const;
const NEGATE = 0x80;
const SWAP_TO_BIG_ENDIAN = 0xd0 | REGISTER;
const comparisons = { '==': 0x10, '>': 0x20, '>=': 0x30, '!=': 0x50, '<': 0xa0 } as const;
const CALL = 0x80;
const EXIT = 0x90;

export type Operation = keyof typeof operations;
/** All unsigned. */
export type Comparison = keyof typeof comparisons;

function line(
  opcode: number,
  destination: number,
  source: number,
  offset: number | string,
  immediate: number,
): Instruction {
  return { opcode, destination, source, offset, immediate };
}

export function target(name: string): Target {
  return { target: name };
}

/** 64 bits; the immediate is sign-extended. */
export function alu(operation: Operation, register: Register, immediate: number): Instruction {
  return line(ALU64 | operations[operation], register, 0, 0, immediate);
}

export function aluRegister(operation: Operation, register: Register, by: Register): Instruction {
  return line(ALU64 | operations[operation] | REGISTER, register, by, 0, 0);
}

/** 32 bits; the upper half becomes zero. */
export function alu32(operation: Operation, register: Register, immediate: number): Instruction {
  return line(ALU | operations[operation], register, 0, 0, immediate);
}

export function negate32(register: Register): Instruction {
  return line(ALU | NEGATE, register, 0, 0, 0);
}

/** Host order to network order, 32 bits; the upper half becomes zero. */
export function toBigEndian32(register: Register): Instruction {
  return line(ALU | SWAP_TO_BIG_ENDIAN, register, 0, 0, 32);
}

/** register = *(address + offset) */
export function load(
  width: Width,
  register: Register,
  address: Register,
  offset: number,
): Instruction {
  return line(LDX | MEM | widthBits[width], register, address, offset, 0);
}

/** *(address + offset) = register */
export function store(
  width: Width,
  address: Register,
  offset: number,
  register: Register,
): Instruction {
  return line(STX | MEM | widthBits[width], address, register, offset, 0);
}

/** *(address + offset) = immediate. Not for the context, which takes registers only. */
export function storeImmediate(
  width: Width,
  address: Register,
  offset: number,
  immediate: number,
): Instruction {
  return line(ST | MEM | widthBits[width], address, 0, offset, immediate);
}

/** *(u64 *)(address + offset) += register, atomically. */
export function atomicAdd(address: Register, offset: number, register: Register): Instruction {
  return line(STX | ATOMIC | widthBits[8], address, register, offset, 0);
}

/** The same, and register becomes what was there before (5.12). */
export function atomicFetchAdd(address: Register, offset: number, register: Register): Instruction {
  return line(STX | ATOMIC | widthBits[8], address, register, offset, FETCH);
}

/** 64-bit comparison; the immediate is sign-extended, so it must be below 2^31. */
export function jumpIf(
  register: Register,
  comparison: Comparison,
  immediate: number,
  to: string,
): Instruction {
  return line(JMP | comparisons[comparison], register, 0, to, immediate);
}

/** Compares the lower 32 bits (5.1): for words such as 0xffff0000, which JMP would sign-extend. */
export function jumpIf32(
  register: Register,
  comparison: Comparison,
  immediate: number,
  to: string,
): Instruction {
  return line(JMP32 | comparisons[comparison], register, 0, to, immediate);
}

export function jump(to: string): Instruction {
  return line(JMP, 0, 0, to, 0);
}

export function call(helper: number): Instruction {
  return line(JMP | CALL, 0, 0, 0, helper);
}

export function exit(): Instruction {
  return line(JMP | EXIT, 0, 0, 0, 0);
}

/** register = the address of byte `offset` of the first value of a map; takes two slots. */
export function loadMapValue(register: Register, map: number, offset: number): Instruction[] {
  return [
    line(LD | IMM | widthBits[8], register, PSEUDO_MAP_VALUE, 0, map),
    line(0, 0, 0, 0, offset),
  ];
}

/**
 * The bytes of a program, little-endian.
 *
 * @throws LbcapError `INVARIANT` for a jump to nowhere or too far, and a target named twice
 */
export function encode(lines: readonly Line[]): Buffer {
  const targets = new Map<string, number>();
  const instructions: Instruction[] = [];
  for (const entry of reachable(lines)) {
    if (!('target' in entry)) {
      instructions.push(entry);
    } else if (targets.has(entry.target)) {
      throw new LbcapError('INVARIANT', `the jump target ${entry.target} is there twice`);
    } else {
      targets.set(entry.target, instructions.length);
    }
  }
  const bytes = Buffer.alloc(instructions.length * instructionBytes);
  for (const [
    index,
    { opcode, destination, source, offset, immediate },
  ] of instructions.entries()) {
    const at = index * instructionBytes;
    bytes.writeUInt8(opcode, at);
    bytes.writeUInt8((source << 4) | destination, at + 1);
    bytes.writeInt16LE(
      typeof offset === 'number' ? offset : distance(targets, offset, index),
      at + 2,
    );
    bytes.writeInt32LE(immediate | 0, at + 4);
  }
  return bytes;
}

/**
 * Without the lines that nothing leads to, which the verifier refuses: pieces are put together
 * without knowing whether all their ways are used. One pass will do, as jumps only go forward.
 */
function reachable(lines: readonly Line[]): Line[] {
  const wanted = new Set<string>();
  let reached = true;
  return lines.filter((entry) => {
    if ('target' in entry) {
      reached ||= wanted.has(entry.target);
      return true;
    }
    if (!reached) return false;
    if (typeof entry.offset === 'string') wanted.add(entry.offset);
    reached = entry.opcode !== JMP && entry.opcode !== (JMP | EXIT);
    return true;
  });
}

/** Instructions between the one behind the jump and its target. */
function distance(targets: ReadonlyMap<string, number>, name: string, from: number): number {
  const to = targets.get(name);
  if (to === undefined) throw new LbcapError('INVARIANT', `there is no jump target ${name}`);
  const offset = to - from - 1;
  // Backwards would be a loop, which old kernels refuse altogether.
  if (offset < 0 || offset > 0x7fff) {
    throw new LbcapError('INVARIANT', `the jump to ${name} goes ${offset} instructions far`);
  }
  return offset;
}
