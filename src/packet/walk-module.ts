/** Loads the WebAssembly of `assembly/plain-walk.ts`: loops that look at every packet, over an arena's memory. */
import { readFileSync } from 'node:fs';
import type { Arena } from './arena.js';
import { webAssembly, type WasmModule } from './web-assembly.js';

/** What the module exports; what each does stands there. Numbers are 32-bit integers unless it says otherwise. */
export interface WalkModule {
  place(base: number, labels: number, tables: number, oneWay: number, others: number): void;
  begin(little: number, offset: number, mask: number, value: number, ip: number): void;
  aim(base: number, count: number, row: number): void;
  read(at: number, limit: number): number;
  readIndexed(starts: number, most: number, blocks: number): number;
  converse(count: number, lead: number, apart: number): number;
  appendRuns(first: number, end: number): number;
  findEnhanced(
    at: number,
    end: number,
    id: number,
    little: number,
    longest: number,
    found: number,
    count: number,
    most: number,
  ): number;
  /** @param offset a double */
  convertRow(
    starts: number,
    end: number,
    little: number,
    unit: number,
    offset: number,
    perSecond: number,
  ): number;
}

/**
 * A module of its own, since it has settings: one for each user. `null` where the arena is no memory that
 * WebAssembly can reach, or reaches beyond what signed offsets can say: then all is done without it.
 */
export function walkModule({ memory, bytes }: Arena): WalkModule | null {
  if (memory === undefined || bytes.length > 0x7fff_ffff) return null;
  return new webAssembly.Instance(program(), { env: { memory } }).exports as WalkModule;
}

let compiled: WasmModule | null = null;

function program(): WasmModule {
  // Near this file, and in the bundle beside it.
  const file = import.meta.url.endsWith('.cjs')
    ? './plain-walk.wasm'
    : '../assembly/plain-walk.wasm';
  compiled ??= new webAssembly.Module(readFileSync(new URL(file, import.meta.url)));
  return compiled;
}
