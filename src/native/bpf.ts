/** Loads BPF programs, links them to a cgroup and reads their maps: bpf(2). */
import { isSystemError } from '../errors.js';
import {
  arrayMap,
  attachType,
  attributeSize,
  bpfCommand,
  instructionSize,
  linkCreateLayout,
  mapCreateLayout,
  mapLookupLayout,
  nameLength,
  nextIdLayout,
  programLoadLayout,
  socketAddressProgram,
  type Hook,
} from './bpf-layouts.js';
import type { FreshCgroup } from './fresh-cgroup.js';
import { Structure, type Kernel } from './kernel.js';

/** A file descriptor of the kernel's making, closed on exec (every bpf(2) descriptor is). */
export type Descriptor = number;

const license = Buffer.from('Dual MIT/GPL\0');
const logSize = 256 * 1024;
const mostInterruptions = 20;

/**
 * An array of `valueSize` bytes under the one key 0, which programs reach by address (5.2).
 *
 * @throws SystemCallError
 */
export function createMap(kernel: Kernel, name: string, valueSize: number): Descriptor {
  const attribute = new Structure(kernel, attributeSize)
    .set32(mapCreateLayout.type, arrayMap)
    .set32(mapCreateLayout.keySize, 4)
    .set32(mapCreateLayout.valueSize, valueSize)
    .set32(mapCreateLayout.maxEntries, 1)
    .setText(mapCreateLayout.name, name, nameLength);
  return command(kernel, bpfCommand.mapCreate, attribute);
}

/** The value of key 0, as 64-bit words. @throws SystemCallError */
export function readMap(kernel: Kernel, map: Descriptor, valueSize: number): BigUint64Array {
  const value = Buffer.alloc(valueSize);
  const attribute = new Structure(kernel, attributeSize)
    .set32(mapLookupLayout.map, map)
    .setPointer(mapLookupLayout.key, Buffer.alloc(4))
    .setPointer(mapLookupLayout.value, value);
  command(kernel, bpfCommand.mapLookup, attribute);
  return new BigUint64Array(value.buffer, value.byteOffset, valueSize / 8);
}

/**
 * Has the verifier check a program and keeps it.
 *
 * @param code encoded instructions
 * @throws SystemCallError with the verifier's own words as its cause: `EINVAL` or `EACCES` for
 * what it refuses, `EPERM` without the rights
 */
export function loadProgram(kernel: Kernel, hook: Hook, code: Uint8Array): Descriptor {
  try {
    return command(kernel, bpfCommand.programLoad, programAttribute(kernel, hook, code));
  } catch (error) {
    if (isSystemError(error, 'EPERM')) throw error;
    // The log costs time and memory: only now.
    const log = Buffer.alloc(logSize);
    const attribute = programAttribute(kernel, hook, code)
      .set32(programLoadLayout.logLevel, 1)
      .set32(programLoadLayout.logSize, log.length)
      .setPointer(programLoadLayout.logBuffer, log);
    try {
      return command(kernel, bpfCommand.programLoad, attribute);
    } catch (again) {
      if (again instanceof Error) {
        again.cause = new Error(log.toString('latin1', 0, Math.max(0, log.indexOf(0))));
      }
      throw again;
    }
  }
}

function programAttribute(kernel: Kernel, hook: Hook, code: Uint8Array): Structure {
  return new Structure(kernel, attributeSize)
    .set32(programLoadLayout.type, socketAddressProgram)
    .set32(programLoadLayout.instructionCount, code.length / instructionSize)
    .setPointer(programLoadLayout.instructions, code)
    .setPointer(programLoadLayout.license, license)
    .setText(programLoadLayout.name, `lbcap_${hook}`, nameLength)
    .set32(programLoadLayout.expectedAttachType, attachType[hook]);
}

/**
 * Puts a program to work on a cgroup for as long as the link's descriptor is open. There is no
 * other way to attach here on purpose: an attachment without a link outlives this process, and
 * only a directory that this process has just made can be passed at all.
 *
 * @throws SystemCallError
 */
export function createLink(
  kernel: Kernel,
  program: Descriptor,
  cgroup: FreshCgroup,
  hook: Hook,
): Descriptor {
  const attribute = new Structure(kernel, attributeSize)
    .set32(linkCreateLayout.program, program)
    .set32(linkCreateLayout.target, cgroup.checkedDescriptor())
    .set32(linkCreateLayout.attachType, attachType[hook])
    .set32(linkCreateLayout.flags, 0);
  return command(kernel, bpfCommand.linkCreate, attribute);
}

/** How many programs, maps or links this machine holds. @throws SystemCallError `EPERM` */
export function countObjects(kernel: Kernel, of: 'program' | 'map' | 'link'): number {
  const attribute = new Structure(kernel, attributeSize);
  for (let count = 0; ; count += 1) {
    try {
      command(kernel, bpfCommand[`${of}NextId`], attribute);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return count;
      throw error;
    }
    attribute.set32(nextIdLayout.start, attribute.get32(nextIdLayout.next));
  }
}

function command(kernel: Kernel, number: number, attribute: Structure): number {
  for (let left = mostInterruptions; ; left -= 1) {
    try {
      return kernel.call('bpf', number, attribute, attributeSize);
    } catch (error) {
      // The verifier gives up when a signal comes, a profiler's for one.
      if (left === 0 || !isSystemError(error, 'EAGAIN')) throw error;
    }
  }
}
