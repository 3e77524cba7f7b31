/** The one block of memory that input regions and output slots live in. */
import { webAssembly, type WasmMemory } from './web-assembly.js';

/**
 * One ArrayBuffer for a whole pipeline: a run of records moves from an input region to an output
 * slot by `copyWithin`, which is four times as fast as copying between two buffers, and V8 sees
 * one typed array in the hot path. Its size is fixed, so memory is bounded by design.
 */
export interface Arena {
  /** What WebAssembly knows it by; absent where it is other memory. */
  readonly memory?: WasmMemory;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** A part `[start, start + size)` of an arena, owned by one user. */
export interface Region {
  readonly start: number;
  readonly size: number;
}

/** Of WebAssembly, bytes. */
const pageSize = 65_536;
/**
 * Behind the last region: who looks at a record's fields before its length must not fall off, nor who asks
 * for what comes later (`touch` in assembly/memory.ts).
 */
const slack = 8192;

/** Allocates an arena cut into regions of the given sizes, each aligned to 4096 bytes. */
export function createArena(sizes: readonly number[]): { arena: Arena; regions: Region[] } {
  const regions: Region[] = [];
  let total = 0;
  for (const size of sizes) {
    regions.push({ start: total, size });
    total += Math.ceil(size / 4096) * 4096;
  }
  const pages = Math.ceil((total + slack) / pageSize);
  const memory = allocate(pages);
  const buffer = memory?.buffer ?? new ArrayBuffer(pages * pageSize);
  const arena: Arena = {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    ...(memory === null ? {} : { memory }),
  };
  return { arena, regions };
}

/**
 * V8 reserves 8 GiB of addresses around each memory, which `ulimit -v` may forbid: `null` then, and what needs
 * WebAssembly goes without.
 */
function allocate(pages: number): WasmMemory | null {
  try {
    return new webAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The same for several users, each with regions of its own. */
export function createArenaOf<Name extends string>(
  sizes: Readonly<Record<Name, readonly number[]>>,
): { arena: Arena; regions: Record<Name, Region[]> } {
  const names = Object.keys(sizes) as Name[];
  const { arena, regions } = createArena(names.flatMap((name) => sizes[name]));
  const parts = names.map((name) => [name, regions.splice(0, sizes[name].length)] as const);
  return { arena, regions: Object.fromEntries(parts) as Record<Name, Region[]> };
}
